"""The deliberate faults: each is a piece of the code, its replacement, and a sentence.

``harmless`` says why a fault can do no harm although nothing notices it. Such a fault does not
count against the tests. If something notices it after all, the reason is wrong, and the run says
so.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One deliberate fault. ``old`` is in ``file`` exactly once."""

    file: str
    old: str
    new: str
    sentence: str
    harmless: str = ""


EVENTS = "chalicelib/pipeline/events.py"
STARTING = "chalicelib/pipeline/starting.py"
BRANCHES = "chalicelib/pipeline/branches.py"
TRANSCRIPTION = "chalicelib/pipeline/transcription.py"
RENDITIONS = "chalicelib/pipeline/renditions.py"
FEATURES = "chalicelib/pipeline/features.py"
NOTICES = "chalicelib/pipeline/notices.py"
REMOVAL = "chalicelib/pipeline/removal.py"
RECONCILIATION = "chalicelib/pipeline/reconciliation.py"
WALK = "chalicelib/pipeline/walk.py"
WORDS = "chalicelib/pipeline/words.py"
DYNAMODB = "chalicelib/aws/dynamodb.py"
CLAIMS = "chalicelib/aws/dynamodb_notices.py"
SEARCH_TABLE = "chalicelib/aws/dynamodb_search.py"
WATCHLIST = "chalicelib/aws/dynamodb_watchlist.py"
S3 = "chalicelib/aws/s3.py"
BOOKMARK = "chalicelib/aws/s3_bookmark.py"
TRANSCRIBE = "chalicelib/aws/transcribe.py"
MEDIACONVERT = "chalicelib/aws/mediaconvert.py"
SNS = "chalicelib/aws/sns.py"
SQS = "chalicelib/aws/sqs.py"
RECORDINGS = "chalicelib/api/recordings.py"
REQUESTS = "chalicelib/api/requests.py"
SEARCH = "chalicelib/api/search.py"
UPLOADS = "chalicelib/api/uploads.py"
DOWNLOADS = "chalicelib/api/downloads.py"

MUTANTS = (
    # --- events ---
    Mutant(
        EVENTS,
        "    _delete_others(key, upload, services)\n    _start(recording, upload, services)\n",
        "    _start(recording, upload, services)\n",
        "an upload that replaces another leaves the old recording",
    ),
    Mutant(
        EVENTS,
        "    if upload is None or upload.is_folder:\n",
        "    if upload is None:\n",
        "the empty object of a folder becomes a recording",
    ),
    Mutant(
        EVENTS,
        "    except ServiceBusyError:\n        ask_again_soon(recording, services)\n"
        "    except (UploadChangedError",
        "    except (UploadChangedError",
        "a busy service fails the event, instead of being asked again soon",
    ),
    Mutant(
        EVENTS,
        "        delete_outputs_jobs_and_item(recording, services)\n\n\ndef reprocess",
        "        pass\n\n\ndef reprocess",
        "what a handler started for an upload that changed meanwhile is left",
    ),
    Mutant(
        STARTING,
        "    services.watchlist.put_off(recording.id, services.clock())\n",
        "    services.watchlist.put_off(recording.id, services.clock().replace(year=9999))\n",
        "a recording that a quota held back is never looked at again",
    ),
    Mutant(
        EVENTS,
        "    delete_outputs_and_jobs(recording, services, keep_corrections=True)\n"
        "    recording = services.recordings.restart",
        "    recording = services.recordings.restart",
        "reprocessing leaves the old results and jobs",
    ),
    Mutant(
        STARTING,
        "    if recording.features.status == Status.PENDING:\n"
        "        services.features_queue.send(recording.id)\n"
        "    if presets",
        "    if presets",
        "nobody asks for a recording's features at first",
    ),
    Mutant(
        STARTING,
        "    if recording.status_of(branch) in ENDED:\n        return recording\n",
        "",
        "a branch that has ended is ended again",
        "the write is conditional: a branch that has ended refuses it",
    ),
    Mutant(
        EVENTS,
        "recording.transcription.attempt != job.attempt:\n        delete_job_objects",
        "False:\n        delete_job_objects",
        "the transcript of an earlier attempt is stored",
    ),
    Mutant(
        EVENTS,
        "upload is None or recording.renditions.attempt != attempt:",
        "upload is None:",
        "the renditions of an earlier attempt are stored",
    ),
    Mutant(
        EVENTS,
        "        delete_job_objects(job.folder, services)\n        _look_if_gone",
        "        _look_if_gone",
        "the answer of an attempt that does not count is left in the bucket",
    ),
    Mutant(
        EVENTS,
        "        renditions.delete_attempt(recording_id, attempt, services)\n",
        "",
        "the renditions of an attempt that does not count are left in the bucket",
    ),
    Mutant(
        EVENTS,
        "    except RecordingNotFoundError:\n        delete_outputs(recording_id, services)\n",
        "    except RecordingNotFoundError:\n        pass\n",
        "results of a recording that was removed meanwhile are left",
    ),
    Mutant(
        EVENTS,
        "    if recording is None or upload is None:\n"
        "        delete_outputs(recording_id, services)\n"
        "        _look_if_gone(recording, upload, services)\n        return\n"
        "    with _late_results_deleted(recording_id, services):\n        try:\n",
        "    if recording is None:\n"
        "        delete_outputs(recording_id, services)\n        return\n"
        "    upload = upload or services.media.find(recording.source_key)\n"
        "    with _late_results_deleted(recording_id, services):\n        try:\n",
        "features are measured in whatever lies under the key by now",
    ),
    Mutant(
        EVENTS,
        "            if attempt >= ATTEMPTS:\n",
        "            if attempt > ATTEMPTS:\n",
        "a message that is put aside leaves its recording IN_PROGRESS",
    ),
    Mutant(
        STARTING,
        "    if any(file.key == key for file in files.values()):\n",
        "    if False:\n",
        "a lost audio track counts as a track that was never made",
    ),
    Mutant(
        STARTING,
        "    internal = state.is_worth_a_retry\n",
        "    internal = False\n",
        "a transcription that waits for an audio track in vain is never tried again",
    ),
    Mutant(
        EVENTS,
        "        if is_other and services.media.find_source(recording) is None:\n",
        "        if is_other:\n",
        "a clean-up deletes an upload that was put after its look",
    ),
    Mutant(
        EVENTS,
        "    announce(recording, services)\n\n\ndef store_renditions",
        "\n\ndef store_renditions",
        "no notice is sent when a branch ends",
    ),
    # --- branches ---
    Mutant(
        BRANCHES,
        "        unless = DONE if status == Status.COMPLETED else ENDED\n",
        "        unless = frozenset()\n",
        "a late event moves a branch that has ended",
    ),
    Mutant(
        BRANCHES,
        "    number = max(recording.state(branch).attempt + 1,",
        "    number = max(recording.state(branch).attempt,",
        "two attempts within a millisecond have one number",
        "an attempt takes several requests, so no two of one recording begin within a millisecond",
    ),
    Mutant(
        BRANCHES,
        "        unless=frozenset(Status) - {Status.PENDING},\n",
        "        unless=ENDED,\n",
        "an attempt is begun though another is under way",
    ),
    # --- transcription ---
    Mutant(
        TRANSCRIPTION,
        "    if not is_first and not is_own and services.transcriber.find(job.name):\n"
        "        return recording\n",
        "",
        "a job that is there already is started once more",
        "the job's name is taken, so Transcribe refuses the second",
    ),
    Mutant(
        TRANSCRIPTION,
        "            return recording\n        move(recording, Branch.TRANSCRIPTION,"
        " Status.PENDING, services)\n",
        "            return recording\n",
        "a transcription that a quota held back stays IN_PROGRESS",
    ),
    Mutant(
        TRANSCRIPTION,
        "_fail_job(recording, reason, services, internal=True)",
        "_fail_job(recording, reason, services, internal=False)",
        "a refusal of Transcribe is final",
    ),
    Mutant(
        TRANSCRIPTION,
        "    n_entries = index_words(recording, reading.transcript, services)\n",
        "    n_entries = 0\n",
        "a transcript is not indexed",
    ),
    Mutant(
        TRANSCRIPTION,
        "services.search_table.count(recording.id) >= summary.search_entries:",
        "True:",
        "rows that a late clean-up took are not written again",
    ),
    Mutant(
        TRANSCRIPTION,
        "    services.results.copy(key, published)\n",
        "",
        "the transcript is not published under its public name",
    ),
    Mutant(
        TRANSCRIPTION,
        '    if job is None or job["TranscriptionJobStatus"] != "FAILED":\n',
        "    if job is None:\n",
        "a job that has not failed is written down as failed",
    ),
    Mutant(
        TRANSCRIPTION,
        "    internal = not reason.startswith(FAULTS_OF_THE_FILE)\n",
        "    internal = False\n",
        "a failure of Transcribe's own is not tried again",
    ),
    # --- renditions ---
    Mutant(
        RENDITIONS,
        "    job_id = None if is_first else services.transcoder.find(token)\n",
        "    job_id = None\n",
        "a job whose starter died is started once more after a minute",
    ),
    Mutant(
        RENDITIONS,
        "    except RecordingNotFoundError:\n        services.transcoder.cancel(job_id)\n"
        "        raise\n",
        "    except RecordingNotFoundError:\n        raise\n",
        "the job of a recording that was removed meanwhile runs on",
    ),
    Mutant(
        RENDITIONS,
        "    if noted.renditions.job_id != job_id and noted.renditions.status not in ENDED:\n",
        "    if False:\n",
        "the job of an attempt that was overtaken runs on",
        "its answer is nobody's, and is deleted; it is paid for, and that is all",
    ),
    Mutant(
        RENDITIONS,
        '    if detail.get("jobId") != job_id or recording.renditions.status in DONE:\n'
        "        return recording\n",
        "",
        "any job's event ends the renditions",
    ),
    # --- features, words, notices ---
    Mutant(
        FEATURES,
        "        else:\n            delete_outputs_jobs_and_item(recording, services)\n",
        "",
        "half-written tables of an upload that changed are left",
    ),
    Mutant(
        FEATURES,
        "            services.features_queue.send(recording.id)\n",
        "            pass\n",
        "an upload that was put back while it was measured is not measured again",
    ),
    Mutant(
        FEATURES,
        "    except (MediaError, ParameterError) as exc:\n        return _fail(",
        "    except (MediaError, ParameterError) as exc:\n        raise\n        return _fail(",
        "an unreadable recording is tried until its message is put aside",
    ),
    Mutant(
        WORDS,
        "    if table is None:\n        raise UploadChangedError(key)\n",
        "    assert table\n",
        "a table that was taken meanwhile fails the handler",
        "the event is tried again, and reconcile makes the table anew",
    ),
    Mutant(
        NOTICES,
        "    if outcome is None or recording.notice(outcome).sent_at:\n",
        "    if outcome is None:\n",
        "a notice that was sent is claimed again",
        "the claim is conditional, and refuses what was sent",
    ),
    Mutant(
        NOTICES,
        "    if not services.notice_claims.claim(recording.id, outcome,"
        " claimed_before=claimed_before):\n        return\n",
        "    services.notice_claims.claim(recording.id, outcome, claimed_before=claimed_before)\n",
        "every handler sends the notice, not only the first",
    ),
    Mutant(
        NOTICES,
        "        services.notice_claims.release(recording.id, outcome)\n        raise\n",
        "        raise\n",
        "a notice that could not be sent stays claimed",
    ),
    Mutant(
        NOTICES,
        "    services.notice_claims.record(recording.id, outcome)\n",
        "",
        "a notice that was sent is not written down",
    ),
    Mutant(
        NOTICES,
        "CLAIM_LASTS = timedelta(minutes=15)\n",
        "CLAIM_LASTS = timedelta(days=9999)\n",
        "a claim of somebody who died never expires",
    ),
    # --- removal ---
    Mutant(
        REMOVAL,
        "    services.recordings.delete(recording.id)\n"
        "    # Another function may have written more until then. Now no function finds an item.\n"
        "    delete_outputs(recording.id, services)\n",
        "    services.recordings.delete(recording.id)\n",
        "objects that others write while a recording is removed are left",
    ),
    Mutant(
        REMOVAL,
        "        services.features_queue.send_look(recording.id, delay_s=0)\n",
        "",
        "an upload that was put back while its recording was removed waits for reconcile",
    ),
    Mutant(
        STARTING,
        "        services.features_queue.send_look(recording.id, delay_s=LATEST_LOOK_S)\n",
        "",
        "a recording that was not yet in the index when its upload was removed stays",
    ),
    Mutant(
        EVENTS,
        "    if recording and upload is None:\n"
        "        services.features_queue.send_look(recording.id, delay_s=0)\n",
        "",
        "whoever finds that an upload is gone leaves its recording",
    ),
    Mutant(
        EVENTS,
        "        services.features_queue.send_look(recording.id, delay_s=RETRY_AFTER_S)\n",
        "        pass\n",
        "a table that a late clean-up removed waits for reconcile",
    ),
    Mutant(
        REMOVAL,
        "    services.recordings.delete(recording.id)\n",
        "",
        "the item of a recording that is gone stays",
    ),
    Mutant(
        REMOVAL,
        "    upload = services.media.find_source(recording)\n    if upload:\n",
        "    upload = services.media.find_source(recording)\n    if False:\n",
        "an upload that was put back while its recording was deleted has none",
    ),
    Mutant(
        REMOVAL,
        "        services.transcoder.cancel(recording.renditions.job_id)\n",
        "        pass\n",
        "the transcoding job of a removed recording runs on",
    ),
    Mutant(
        REMOVAL,
        "        services.transcriber.delete(job.name)\n",
        "        pass\n",
        "the transcription job of a removed recording is kept",
    ),
    Mutant(
        REMOVAL,
        "    services.search_table.remove(recording_id)\n",
        "",
        "a removed recording can still be found",
    ),
    Mutant(
        REMOVAL,
        "    for prefix in keys.derived_prefixes(recording_id):\n"
        "        services.results.remove(prefix, keep=kept)\n",
        "",
        "the results of a removed recording are left",
    ),
    # --- reconciliation ---
    Mutant(
        RECONCILIATION,
        "        recording = _ask_transcribe(recording, services)\n",
        "",
        "reconcile does not ask Transcribe",
    ),
    Mutant(
        RECONCILIATION,
        "        recording = _ask_mediaconvert(recording, services)\n",
        "",
        "reconcile does not ask MediaConvert",
    ),
    Mutant(
        RECONCILIATION,
        "        recording = _ask_for_features(recording, services)\n",
        "",
        "reconcile does not ask for features",
    ),
    Mutant(
        RECONCILIATION,
        "        recording = _miss_results(recording, services)\n",
        "",
        "reconcile does not miss results that a late clean-up took",
    ),
    Mutant(
        RECONCILIATION,
        "        events.resume(recording, services)\n",
        "",
        "reconcile does not start what is PENDING",
    ),
    Mutant(
        RECONCILIATION,
        "    if upload is None:\n"
        "        delete_outputs_jobs_and_item(recording, services)\n        return None\n",
        "",
        "a look does not notice that the upload is gone",
    ),
    Mutant(
        RECONCILIATION,
        "    if found and _is_well(found):\n",
        "    if found:\n",
        "a recording is struck off the list after one look, whatever is missing",
    ),
    Mutant(
        RECONCILIATION,
        "    if not state.may_be_remade:\n",
        "    if False:\n",
        "results that are lost every time are made again for ever",
    ),
    Mutant(
        RECONCILIATION,
        "    is_own = branch != Branch.TRANSCRIPTION or state.job_id is not None\n",
        "    is_own = True\n",
        "a transcription that failed with its audio track has no retry of its own left",
    ),
    Mutant(
        EVENTS,
        "    services.features_queue.send_look(recording.id, delay_s=RETRY_AFTER_S)\n"
        "    delete_outputs_and_jobs(",
        "    delete_outputs_and_jobs(",
        "a reprocessing that ends halfway is not looked at",
    ),
    Mutant(
        WALK,
        "        if services.recordings.find(recording_id) is None:\n"
        "            findings.attempt(put_right, recording_id)\n",
        "        pass\n",
        "the walk repairs nothing",
    ),
    Mutant(
        WALK,
        "    return page[-1].key if has_more else None\n",
        "    return None\n",
        "the walk never goes beyond its first page",
    ),
    # --- the table ---
    Mutant(
        DYNAMODB,
        '                    ConditionExpression=Attr("JsonFile").not_exists(),\n',
        "",
        "an item is created over the one that is there",
    ),
    Mutant(
        DYNAMODB,
        'return Attr("JsonFile").exists() & (attempt.eq',
        "return (attempt.eq",
        "a late write brings a removed recording back",
    ),
    Mutant(
        DYNAMODB,
        " & (attempt.eq(read) if read else attempt.not_exists())\n",
        "\n",
        "the results of an earlier attempt are written over those of a later one",
    ),
    Mutant(
        DYNAMODB,
        '            unread = response.get("UnprocessedKeys", {}).get(self._table.name, {})'
        '.get("Keys", [])\n',
        "            unread = []\n",
        "keys that DynamoDB gave back unread are forgotten",
    ),
    Mutant(
        DYNAMODB,
        '            if "LastEvaluatedKey" not in page:\n                return found\n',
        "            return found\n",
        "only the first page of a key's recordings is read",
    ),
    Mutant(
        CLAIMS,
        "            & Attr(sent).not_exists()\n",
        "",
        "a notice that was sent can be claimed again",
    ),
    Mutant(
        CLAIMS,
        "            & (Attr(claimed).not_exists() | Attr(claimed).lt(claimed_before)),\n",
        "            ,\n",
        "a claim of somebody else is not heeded",
    ),
    Mutant(
        WATCHLIST,
        '        self._update(recording_id, Attr("look_at").eq(look_at), ',
        '        self._update(recording_id, Attr("JsonFile").exists(), ',
        "a recording that has moved since is struck off the list",
    ),
    Mutant(
        SEARCH_TABLE,
        "            for term in stale:\n"
        '                batch.delete_item(Key={"recording_id": recording.id, "term": term})\n',
        "",
        "rows of words that are no longer said stay in the index",
    ),
    Mutant(
        SEARCH_TABLE,
        '            waiting += answer["UnprocessedKeys"].get(name, {}).get("Keys", [])\n',
        "",
        "rows that DynamoDB gave back unread are missing from a search",
    ),
    # --- the bucket ---
    Mutant(
        S3,
        "                Bucket=self.bucket, Key=upload.key, IfMatch=f'\"{upload.etag}\"'\n",
        "                Bucket=self.bucket, Key=upload.key\n",
        "an upload is removed whatever lies there by now",
    ),
    Mutant(
        S3,
        "                CopySourceIfMatch=f'\"{upload.etag}\"',\n",
        "",
        "a job is given whatever lies under the key by now",
    ),
    Mutant(
        S3,
        '                client_kwargs={"S3.Client.get_object": {"IfMatch": upload.etag}},\n',
        "",
        "a recording is read half from one upload and half from another",
    ),
    Mutant(
        S3,
        "                IfMatch=upload.etag,\n            )\n",
        "            )\n",
        "the first bytes of other bytes decide on a recording's format",
    ),
    Mutant(
        S3,
        '            if errors := answer.get("Errors"):\n',
        "            if errors := None:\n",
        "objects that DeleteObjects did not remove count as removed",
    ),
    Mutant(
        S3,
        "return upload if upload and upload.recording_id == recording.id else None",
        "return upload",
        "an upload that was replaced counts as a recording's own",
    ),
    Mutant(
        S3,
        '        if most is not None and response["ContentLength"] > most:\n',
        "        if False:\n",
        "a document of any size is read into memory",
    ),
    # --- jobs, messages ---
    Mutant(
        TRANSCRIBE,
        '            if error["Code"] in _BUSY:\n'
        '                raise ServiceBusyError(error["Message"]) from exc\n',
        "",
        "a quota of Transcribe fails the event",
    ),
    Mutant(
        TRANSCRIBE,
        '            if error["Code"] == "ConflictException":\n                return False\n',
        "",
        "a job that exists fails the event",
    ),
    Mutant(
        MEDIACONVERT,
        '            if error["Code"] in _BUSY:\n'
        '                raise ServiceBusyError(error["Message"]) from exc\n',
        "",
        "a quota of MediaConvert fails the event",
    ),
    Mutant(
        SNS,
        "Outcome.FAILED: failures_topic_arn or topic_arn,",
        "Outcome.FAILED: topic_arn,",
        "failures go to the topic of all notices",
    ),
    # --- corrections, data sets, quotas ---
    Mutant(
        "chalicelib/api/corrections.py",
        "    services.watchlist.put_off(recording.id, services.clock() + LOOK_AFTER)\n",
        "",
        "a correction whose message was never sent is only in the transcript",
    ),
    Mutant(
        "chalicelib/api/corrections.py",
        "        if seen == (reading.etag or NONE_YET)\n",
        "        if seen\n",
        "a correction is written over one that its author has not seen",
    ),
    Mutant(
        "chalicelib/aws/s3_corrections.py",
        '{"IfMatch": f\'"{over}"\'} if over else {"IfNoneMatch": "*"}',
        "{}",
        "the first of two corrections at the same time is lost",
    ),
    Mutant(
        "chalicelib/pipeline/dataset_requests.py",
        "return services.datasets.write_over(*_object_of(request), request.etag)",
        "return services.datasets.write(*_object_of(request)) is None",
        "a data set that was deleted while a step was at work comes back",
    ),
    Mutant(
        "chalicelib/pipeline/datasets.py",
        "    if present is None or present.is_half_deleted:\n",
        "    if False:\n",
        "files of a data set that was deleted while a step was at work stay",
    ),
    Mutant(
        "chalicelib/pipeline/datasets.py",
        'request.requested_at != message["requested_at"]:',
        "False:",
        "a message of an earlier request works on a later one of the same name",
    ),
    Mutant(
        "chalicelib/pipeline/datasets.py",
        "            if attempt >= ATTEMPTS:\n",
        "            if attempt > ATTEMPTS:\n",
        "a data set whose step was given up stays IN_PROGRESS",
    ),
    Mutant(
        "chalicelib/aws/dynamodb_hours.py",
        '                + ("" if again else " AND attribute_not_exists(accepted_at)"),\n',
        '                + "",\n',
        "a recording whose event comes twice is counted twice",
    ),
    Mutant(
        "chalicelib/aws/dynamodb_hours.py",
        "seconds_accepted <= :room",
        "seconds_accepted >= :room",
        "a counter of hours refuses the first recordings of a day, and not the last",
    ),
    Mutant(
        "chalicelib/pipeline/quotas.py",
        "    if recording.accepted_at or recording.status != Status.PENDING:\n",
        "    if recording.status != Status.PENDING:\n",
        "an administrator cannot lift a quota",
    ),
    # --- the API ---
    Mutant(
        RECORDINGS,
        "    if recording is None or not request.caller.may_see(recording.owner):\n",
        "    if recording is None:\n",
        "anybody is shown anybody's recording",
    ),
    Mutant(
        RECORDINGS,
        "    if upload:\n        services.media.remove_upload(upload)\n",
        "",
        "a deletion by the API leaves the upload",
    ),
    Mutant(
        RECORDINGS,
        "    removal.delete_outputs_jobs_and_item(recording, services)\n    return removed\n",
        "    return removed\n",
        "a deletion by the API leaves the item and the results",
    ),
    Mutant(
        RECORDINGS,
        "            cursor = services.recordings.cursor_after(recording, owner=request.owner())\n"
        "            break\n",
        "            break\n",
        "a page of a manifest that ends early loses the rest of it",
    ),
    Mutant(
        RECORDINGS,
        '        if len(text) == len("2024-01-31") and name == "to":\n',
        "        if False:\n",
        "a list up to a day leaves that day out",
    ),
    Mutant(
        RECORDINGS,
        '"excerpt": transcript[:EXCERPT]}',
        '"excerpt": transcript}',
        "a list has whole transcripts",
    ),
    Mutant(
        REQUESTS,
        "        if named is not None and not self.caller.may_see(named):\n",
        "        if False:\n",
        "an owner lists another's recordings by name",
    ),
    Mutant(
        REQUESTS,
        "return named or (None if self.caller.is_administrator else self.caller.owner)",
        "return named",
        "an owner lists everybody's recordings",
    ),
    Mutant(
        REQUESTS,
        "ADMINISTRATORS_GROUP in groups)",
        'groups != [""])',
        "every group of a user pool is one of administrators",
    ),
    Mutant(
        REQUESTS,
        "    if not keys.is_owner(name):\n",
        "    if not name:\n",
        "a caller whose name cannot be a folder owns recordings",
    ),
    Mutant(
        REQUESTS,
        "any(fnmatchcase(arn, pattern) for",
        'any(fnmatchcase(arn, f"{pattern}*") for',
        "whose ARN begins as an administrator's is one",
    ),
    Mutant(
        REQUESTS,
        "not 1 <= int(value) <= largest:",
        "not 1 <= int(value):",
        "a page may be of any length",
    ),
    Mutant(
        REQUESTS,
        "        if len(value) > MAX_TEXT or not keys.is_plain(value):\n",
        "        if False:\n",
        "a parameter may have any length and any characters",
    ),
    Mutant(
        UPLOADS,
        "    if not request.caller.may_see(owner):\n",
        "    if False:\n",
        "anybody uploads to anybody's folder",
    ),
    Mutant(
        UPLOADS,
        "    if reason := formats.unusable_name(name, key):\n",
        "    if reason := None:\n",
        "a form is given for a name that cannot be processed",
    ),
    Mutant(
        UPLOADS,
        "    if not MEDIA_TYPE.fullmatch(content_type):\n",
        "    if False:\n",
        "an upload may have the type of a page",
    ),
    Mutant(
        UPLOADS,
        "max_bytes=LARGEST_BYTES)",
        "max_bytes=10 * LARGEST_BYTES)",
        "a form takes more bytes than can be processed",
    ),
    Mutant(
        DOWNLOADS,
        "        if services.media.find_source(recording) is None:\n",
        "        if False:\n",
        "the address of other bytes is given as a recording's own",
    ),
    Mutant(
        DOWNLOADS,
        '    kind = "attachment" if is_attached else "inline"\n',
        '    kind = "inline"\n',
        "a download is shown instead of saved",
    ),
    Mutant(
        "chalicelib/core/media_types.py",
        "[2].lower(), UNKNOWN)",
        '[2].lower(), "text/html")',
        "a file of an unknown kind is opened as a page",
    ),
    Mutant(
        DOWNLOADS,
        "c if c.isascii() and c.isprintable() and c not in",
        "c if c.isascii() and c not in",
        "a line break of a file's name reaches a header",
    ),
    Mutant(
        SEARCH,
        "    if digest != _digest(query, owner) or not",
        "    if not",
        "a cursor of another search, or another owner's, is accepted",
    ),
    Mutant(
        SEARCH,
        "        owner=owner,\n",
        "        owner=None,\n",
        "a search finds everybody's recordings",
    ),
    Mutant(
        SEARCH,
        "        if id_ in heads  # removed meanwhile\n",
        "",
        "a recording that was removed during a search fails it",
    ),
)
