"""Each function may do exactly what its code can do."""

import ast
import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import boto3
import pytest
from support.answers import job_name, put_answer
from support.deploy import calls
from support.media import wav

from chalicelib.pipeline import events
from chalicelib.services import connect
from scripts.record_outputs import Account, environment, functions, record

ACCOUNT = Account(account_id="123456789012", region="us-east-1")
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/earshot-dev-metadata"
SEARCH = "arn:aws:dynamodb:us-east-1:123456789012:table/earshot-dev-search"
JOBS = "arn:aws:transcribe:us-east-1:123456789012:transcription-job/earshot-dev-*"
MEDIA, RESULTS = "arn:aws:s3:::earshot-dev-media", "arn:aws:s3:::results"
QUEUES = "arn:aws:sqs:us-east-1:123456789012:earshot-dev-"
OUTPUTS = {
    "MediaBucketName": "earshot-dev-media",
    "MetadataTableName": "earshot-dev-metadata",
    "SearchTableName": "earshot-dev-search",
    "FeaturesQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/earshot-dev-features",
    "DatasetsQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/earshot-dev-datasets",
    "SpeechQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/earshot-dev-speech",
    "FailedEventsQueueName": "earshot-dev-failed-events",
    "MediaConvertRoleArn": "arn:aws:iam::123456789012:role/earshot-dev-us-east-1-mediaconvert",
    "MediaConvertQueueArn": "arn:aws:mediaconvert:us-east-1:123456789012:queues/earshot-dev",
    "NoticesTopicArn": "arn:aws:sns:us-east-1:123456789012:earshot-dev-notices",
    "TranscribeRoleArn": "arn:aws:iam::123456789012:role/earshot-dev-us-east-1-transcribe",
    "FailuresTopicArn": "arn:aws:sns:us-east-1:123456789012:earshot-dev-failures",
}
KEY = "uploads/alice/my talk.wav"
DERIVED = ("features", "jobs", "renditions", "transcripts")
READ_RESULTS = {("s3:GetObject", f"{RESULTS}/{name}/*") for name in DERIVED}
WRITE_RESULTS = {
    ("s3:PutObject", f"{RESULTS}/renditions/*"),
    ("s3:PutObject", f"{RESULTS}/transcripts/*"),
}
CORRECTIONS = f"{RESULTS}/transcripts/*.corrections.json"
DATASETS = f"{RESULTS}/datasets/*"
BOOKMARK = f"{RESULTS}/reconcile/bookmark.json"
RENDITION_JOBS = "arn:aws:mediaconvert:us-east-1:123456789012:jobs/*"

# What a wrapper's calls need, where that is not the operation's own name on the wrapper's resource:
# https://docs.aws.amazon.com/AmazonS3/latest/API lists the permissions of each operation of S3.
S3_NEEDS = {
    # Without ListBucket S3 answers 403, not 404, for what is not there.
    ("media", "head_object"): {("s3:GetObject", f"{MEDIA}/uploads/*"), ("s3:ListBucket", MEDIA)},
    ("media", "get_object"): {("s3:GetObject", f"{MEDIA}/uploads/*")},
    ("media", "copy_object"): {
        ("s3:GetObject", f"{MEDIA}/uploads/*"),
        ("s3:PutObject", f"{MEDIA}/jobs/*"),
    },
    ("media", "delete_objects"): {("s3:DeleteObject", f"{MEDIA}/jobs/*")},
    ("media", "smart_open.s3.open rb"): {("s3:GetObject", f"{MEDIA}/uploads/*")},
    ("results", "head_object"): READ_RESULTS | {("s3:ListBucket", RESULTS)},
    ("results", "get_object"): READ_RESULTS | {("s3:ListBucket", RESULTS)},
    ("results", "smart_open.s3.open rb"): READ_RESULTS,
    ("results", "copy_object"): READ_RESULTS | WRITE_RESULTS,
    ("results", "put_object"): WRITE_RESULTS,
    ("results", "smart_open.s3.open wb"): {
        ("s3:PutObject", f"{RESULTS}/features/*"),
        ("s3:AbortMultipartUpload", f"{RESULTS}/features/*"),
    },
    # A presigned address has the rights of its signer.
    ("media", "generate_presigned_url"): {("s3:GetObject", f"{MEDIA}/uploads/*")},
    ("media", "generate_presigned_post"): {("s3:PutObject", f"{MEDIA}/uploads/*")},
    ("results", "generate_presigned_url"): READ_RESULTS,
    # To remove what still has a certain ETag takes the right to look.
    ("media", "delete_object"): {
        ("s3:DeleteObject", f"{MEDIA}/uploads/*"),
        ("s3:GetObject", f"{MEDIA}/uploads/*"),
    },
    ("results", "list_objects_v2"): {("s3:ListBucket", RESULTS)},
    ("bookmark", "get_object"): {("s3:GetObject", BOOKMARK), ("s3:ListBucket", RESULTS)},
    ("bookmark", "put_object"): {("s3:PutObject", BOOKMARK)},
    ("corrections", "get_object"): {
        ("s3:GetObject", f"{RESULTS}/transcripts/*"),
        ("s3:ListBucket", RESULTS),
    },
    ("corrections", "put_object"): {("s3:PutObject", CORRECTIONS)},
    ("media", "list_objects_v2"): {("s3:ListBucket", MEDIA)},
    ("results", "delete_objects"): {("s3:DeleteObject", f"{RESULTS}/{name}/*") for name in DERIVED},
}
# In one request or in parts: tables, and the sound of clips.
NEEDS_OF_A_METHOD = {("results", "create"): S3_NEEDS["results", "smart_open.s3.open wb"]}
READ_DATASETS = {("s3:GetObject", DATASETS), ("s3:ListBucket", RESULTS)}
S3_NEEDS |= {
    ("datasets", "get_object"): READ_DATASETS,
    ("datasets", "head_object"): READ_DATASETS,
    ("datasets", "list_objects_v2"): {("s3:ListBucket", RESULTS)},
    ("datasets", "smart_open.s3.open rb"): {("s3:GetObject", DATASETS)},
    ("datasets", "generate_presigned_url"): {("s3:GetObject", DATASETS)},
    ("datasets", "put_object"): {("s3:PutObject", DATASETS)},
    ("datasets", "delete_objects"): {("s3:DeleteObject", DATASETS)},
    ("datasets", "smart_open.s3.open wb"): {
        ("s3:PutObject", DATASETS),
        ("s3:AbortMultipartUpload", DATASETS),
    },
}
SPEECH = f"{RESULTS}/jobs/*"
READ_SPEECH = {("s3:GetObject", SPEECH), ("s3:ListBucket", RESULTS)}
S3_NEEDS |= {
    ("speech", "get_object"): READ_SPEECH,
    ("speech", "head_object"): READ_SPEECH,
    ("speech", "list_objects_v2"): {("s3:ListBucket", RESULTS)},
    ("speech", "put_object"): {("s3:PutObject", SPEECH)},
}
OTHER_NEEDS = {
    # AWS has no resource to name here. Transcribe reads and writes with its caller's rights.
    "start_transcription_job": {
        ("transcribe:StartTranscriptionJob", "*"),
        # A job with tags; AWS has no resource to name here either.
        ("transcribe:TagResource", "*"),
        ("s3:GetObject", f"{MEDIA}/jobs/*"),
        ("s3:PutObject", f"{RESULTS}/jobs/*"),
        # With a role of its own it queues what is over its limit.
        ("iam:PassRole", OUTPUTS["TranscribeRoleArn"]),
    },
    # MediaConvert reads and writes with the role that it is passed.
    "create_job": {
        ("mediaconvert:CreateJob", OUTPUTS["MediaConvertQueueArn"]),
        ("iam:PassRole", OUTPUTS["MediaConvertRoleArn"]),
    },
    # AWS has no resource to name here either, where no queue is asked for.
    "list_jobs": {("mediaconvert:ListJobs", "*")},
    "publish": {
        ("sns:Publish", OUTPUTS["NoticesTopicArn"]),
        ("sns:Publish", OUTPUTS["FailuresTopicArn"]),
    },
    "query by_source": {("dynamodb:Query", f"{TABLE}/index/by_source")},
    "query by_look_at": {("dynamodb:Query", f"{TABLE}/index/by_look_at")},
    "query by_time": {("dynamodb:Query", f"{TABLE}/index/by_time")},
    "query by_owner": {("dynamodb:Query", f"{TABLE}/index/by_owner")},
    "query by_term": {("dynamodb:Query", f"{SEARCH}/index/by_term")},
    "query by_owner_term": {("dynamodb:Query", f"{SEARCH}/index/by_owner_term")},
    # "There is no separate permission for TransactWriteItems": Amazon DynamoDB transactions, IAM.
    "transact_write_items": {("dynamodb:UpdateItem", TABLE)},
    "batch_writer": {("dynamodb:BatchWriteItem", SEARCH)},
}
RESOURCES = {
    "watchlist": ("dynamodb", TABLE),
    "recordings": ("dynamodb", TABLE),
    "notice_claims": ("dynamodb", TABLE),
    "hours": ("dynamodb", TABLE),
    "search_table": ("dynamodb", SEARCH),
    "transcriber": ("transcribe", JOBS),
    "features_queue": ("sqs", f"{QUEUES}features"),
    "datasets_queue": ("sqs", f"{QUEUES}datasets"),
    "speech_queue": ("sqs", f"{QUEUES}speech"),
    "transcoder": ("mediaconvert", RENDITION_JOBS),
}


def needs(field: str, operation: str) -> set[tuple[str, str]]:
    if (field, operation) in S3_NEEDS:
        return S3_NEEDS[field, operation]
    if operation in OTHER_NEEDS:
        return OTHER_NEEDS[operation]
    service, resource = RESOURCES[field]
    return {(f"{service}:{operation.title().replace('_', '')}", resource)}


def lambdas_own_needs(function: str) -> set[tuple[str, str]]:
    """Return what Lambda itself does with a function's role."""
    name = "earshot-dev" if function == calls.API_HANDLER else f"earshot-dev-{function}"
    log = f"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/{name}:*"
    own = {("logs:CreateLogStream", log), ("logs:PutLogEvents", log)}
    queues = {
        "extract_features": "features",
        "make_dataset": "datasets",
        "recognise_speech": "speech",
    }
    if function in queues:
        return own | {
            (f"sqs:{action}", f"{QUEUES}{queues[function]}")
            for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
        }
    if function == calls.API_HANDLER:
        return own  # API Gateway waits for its answer: there is no event to give up
    return own | {("sqs:SendMessage", f"{QUEUES}failed-events")}


def allowed(statements: list[dict]) -> set[tuple[str, str]]:
    return {
        (action, resource)
        for statement in statements
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


@pytest.fixture
def project(tmp_path):
    """The project's configuration, to be written to."""
    folder = tmp_path / ".chalice"
    folder.mkdir()
    for path in (calls.ROOT / ".chalice").glob("*.json"):
        (folder / path.name).write_text(path.read_text())
    return tmp_path


@pytest.fixture
def policies(project):
    set_variables(project, RESULTS_BUCKET_NAME="results")
    record(project, "dev", OUTPUTS, {}, ACCOUNT)
    return read_policies(project)


def set_variables(project, **variables):
    path = project / ".chalice/config.json"
    config = json.loads(path.read_text())
    config["stages"]["dev"]["environment_variables"] = variables
    path.write_text(json.dumps(config, indent=2) + "\n")


def read_policies(project) -> dict[str, list[dict]]:
    return {
        function: json.loads(
            (project / f".chalice/policies/dev/{function}.json").read_text(),
        )["Statement"]
        for function in functions(project)
    }


def test_every_deployed_function_has_a_policy_of_its_own():
    assert functions(calls.ROOT) == sorted(calls.deployed_functions())


@pytest.mark.parametrize("function", calls.deployed_functions())
def test_a_function_may_do_what_its_code_can_do_and_nothing_else(function, policies):
    needed = lambdas_own_needs(function)
    for field, method in calls.wrapper_calls(calls.deployed_functions()[function]):
        if (field, method) in NEEDS_OF_A_METHOD:
            needed |= NEEDS_OF_A_METHOD[field, method]
            continue
        for operation in calls.client_calls(field, method):
            needed |= needs(field, operation)

    assert allowed(policies[function]) == needed


@pytest.mark.parametrize("function", calls.deployed_functions())
def test_only_what_has_no_resource_is_allowed_on_every_resource(function, policies):
    wide = {action for action, resource in allowed(policies[function]) if resource == "*"}

    assert wide <= {
        "transcribe:StartTranscriptionJob",
        "transcribe:TagResource",
        "mediaconvert:ListJobs",
    }


def test_jobs_are_started_only_for_this_stages_bucket(policies):
    (start,) = (
        statement
        for statement in policies["receive_upload"]
        if "transcribe:StartTranscriptionJob" in statement["Action"]
    )

    assert start["Condition"] == {"StringEquals": {"transcribe:OutputBucketName": "results"}}


def test_a_role_is_passed_on_only_where_one_is_named(project, policies):
    role = "arn:aws:iam::123456789012:role/queueing"
    assert ("iam:PassRole", role) not in allowed(policies["receive_upload"])

    set_variables(project, TRANSCRIBE_DATA_ACCESS_ROLE_ARN=role)
    record(project, "dev", OUTPUTS, {}, ACCOUNT)

    assert ("iam:PassRole", role) in allowed(read_policies(project)["receive_upload"])


def test_a_key_may_be_used_only_where_the_stage_has_one(project, policies):
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    used = {("kms:Decrypt", key), ("kms:GenerateDataKey", key)}

    record(project, "dev", OUTPUTS | {"KmsKeyArn": key}, {}, ACCOUNT)
    with_key = read_policies(project)
    variables = environment(project, "dev")
    record(project, "dev", OUTPUTS, {}, ACCOUNT)

    assert {name: allowed(found) - allowed(policies[name]) for name, found in with_key.items()} == (
        dict.fromkeys(policies, used)
    )
    assert variables["KMS_KEY_ARN"] == key
    assert read_policies(project) == policies
    assert "KMS_KEY_ARN" not in environment(project, "dev")


def test_originals_may_be_read_only_where_source_buckets_are_named_and_only_read(project, policies):
    archives = [f"arn:aws:s3:::{name}" for name in ("archive", "calls")]
    read = {("s3:GetObject", f"{arn}/*") for arn in archives}
    read |= {("s3:ListBucket", arn) for arn in archives}

    set_variables(project, RESULTS_BUCKET_NAME="results", SOURCE_BUCKETS="archive, calls")
    record(project, "dev", OUTPUTS, {}, ACCOUNT)
    added = {
        name: allowed(found) - allowed(policies[name])
        for name, found in read_policies(project).items()
    }

    # Whoever may read any upload may read them.
    readers = {
        name
        for name, found in policies.items()
        if ("s3:GetObject", f"{MEDIA}/uploads/*") in allowed(found)
    }
    assert added == {name: read if name in readers else set() for name in policies}


def test_traces_may_be_written_only_where_tracing_is_on(project, policies):
    """By Chalice's own setting: without the permission Lambda writes none."""
    traced = {("xray:PutTelemetryRecords", "*"), ("xray:PutTraceSegments", "*")}
    assert not any(allowed(found) & traced for found in policies.values())
    path = project / ".chalice/config.json"
    config = json.loads(path.read_text())
    config["stages"]["dev"]["xray"] = True
    path.write_text(json.dumps(config))

    record(project, "dev", OUTPUTS, {}, ACCOUNT)

    assert all(traced <= allowed(found) for found in read_policies(project).values())


def test_no_stage_may_touch_another(policies):
    named = {resource for found in policies.values() for _, resource in allowed(found)}

    shared = {f"{RESULTS}/{name}/*" for name in DERIVED} | {
        RESULTS,
        BOOKMARK,
        CORRECTIONS,
        DATASETS,
    }
    unnamed = {resource for resource in named if "-dev" not in resource}
    assert unnamed <= {"*", JOBS, RENDITION_JOBS} | shared


def receive(services, put):
    put(KEY, wav())
    return lambda: events.receive_upload(KEY, services)


def remove(services, put):
    receive(services, put)()
    boto3.client("s3").delete_object(Bucket=services.media.bucket, Key=KEY)
    return lambda: events.remove_recording(KEY, services)


def measure(services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    return lambda: events.extract_features(recording_id, services)


def store(services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    document = {"results": {"transcripts": [{"transcript": "Hi"}], "items": []}}
    key = put_answer(services, recording_id, document)
    return lambda: events.store_transcript(key, services)


def fail(services, put):
    recording_id = put(KEY, wav())
    events.receive_upload(KEY, services)
    name = job_name(services, recording_id)
    return lambda: events.record_transcription_failure(name, services)


EVENTS = {
    "receive_upload": receive,
    "remove_recording": remove,
    "extract_features": measure,
    "store_transcript": store,
    "record_transcription_state": fail,
}


@pytest.mark.parametrize("function", EVENTS)
def test_what_a_function_really_asks_of_aws_is_allowed(function, services, put, project):
    record(project, "dev", outputs_of(services), [], ACCOUNT)
    statements = read_policies(project)[function]
    requests: list[tuple] = []
    boto3.setup_default_session()
    boto3.DEFAULT_SESSION.events.register(
        "provide-client-params.*.*",
        lambda params, model, **_: requests.append((model, params)),
    )
    event = EVENTS[function](connect(services.settings), put)
    requests.clear()

    event()

    boto3.setup_default_session()
    asked = {permission(model, params) for model, params in requests}
    assert asked
    assert {one for one in asked if not is_allowed(one, statements)} == set()


def test_policies_are_in_the_grammar_of_aws(policies, tmp_path):
    """cfn-lint knows every action there is, and which resources each may name."""
    resources = {
        function.title().replace("_", ""): {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
            },
        }
        for function, statements in policies.items()
    }
    template = tmp_path / "policies.json"
    template.write_text(json.dumps({"Resources": resources}))
    command = [Path(sys.executable).with_name("cfn-lint"), "--include-checks", "I", "--", template]

    lint = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (lint.returncode, lint.stdout) == (0, "")


def test_no_policy_has_a_mistake_that_parliament_knows(policies, services, tmp_path):
    """It knows what a grammar does not: actions without their resource, ways to more rights."""
    role = f"{services.settings.mediaconvert_role_arn.rpartition('/')[2]}"
    found = boto3.client("iam").get_role_policy(RoleName=role, PolicyName="media")
    # moto keeps a template's policy as Python writes it.
    transcoder = ast.literal_eval(str(found["PolicyDocument"]))
    documents = {"transcoder": transcoder} | {
        function: {"Version": "2012-10-17", "Statement": statements}
        for function, statements in policies.items()
    }
    folder = tmp_path / "policies"
    folder.mkdir()
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    command = [Path(sys.executable).with_name("parliament"), "--directory", folder, "--json"]
    command += ["--include-community-auditors", "--include_policy_extension", "json"]

    lint = subprocess.run(command, capture_output=True, text=True, check=False)

    findings = [json.loads(line) for line in lint.stdout.splitlines()]
    # Passing a role on is no mistake here: which, and to which service, is said and tested above.
    passing_on = ("PERMISSIONS_MANAGEMENT_ACTIONS", ["iam:passrole"])
    assert [
        one for one in findings if (one["issue"], one["location"].get("actions")) != passing_on
    ] == []
    assert {Path(one["location"]["filepath"]).stem for one in findings} == {
        function for function, found in policies.items() if "PassRole" in str(found)
    }, lint.stderr


def outputs_of(services) -> dict[str, str]:
    settings = services.settings
    return OUTPUTS | {
        "MediaBucketName": settings.media_bucket,
        "MetadataTableName": settings.metadata_table,
        "SearchTableName": settings.search_table,
        "FeaturesQueueUrl": settings.features_queue_url,
        "DatasetsQueueUrl": settings.datasets_queue_url,
        "SpeechQueueUrl": settings.speech_queue_url,
    }


def permission(model, params) -> tuple[str, str]:
    """Return the action and the resource that a request needs permission for."""
    service, action = model.service_model.service_name, model.name
    if service == "s3":
        if action == "ListObjectsV2":
            return "s3:ListBucket", f"arn:aws:s3:::{params['Bucket']}"
        key = params["Key"] if "Key" in params else params["Delete"]["Objects"][0]["Key"]
        return f"s3:{S3_ACTIONS[action]}", f"arn:aws:s3:::{params['Bucket']}/{key}"
    if service == "dynamodb":
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        table = "arn:aws:dynamodb:us-east-1:123456789012:table"
        name = params.get("TableName") or next(iter(params["RequestItems"]))
        return f"dynamodb:{action}", f"{table}/{name}{index}"
    if service == "sqs":
        name = params["QueueUrl"].rpartition("/")[2]
        return f"sqs:{action}", f"arn:aws:sqs:us-east-1:123456789012:{name}"
    # The tests' own stack is that of the stage local.
    name = params["TranscriptionJobName"].replace("earshot-local-", "earshot-dev-")
    return f"transcribe:{action}", JOBS.replace("earshot-dev-*", name)


S3_ACTIONS = {
    "HeadObject": "GetObject",
    "GetObject": "GetObject",
    "PutObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "AbortMultipartUpload": "AbortMultipartUpload",
    "DeleteObjects": "DeleteObject",
    "CopyObject": "PutObject",
}


def is_allowed(asked: tuple[str, str], statements: list[dict]) -> bool:
    return any(
        asked[0] == action and fnmatchcase(asked[1], resource)
        for action, resource in allowed(statements)
    )
