// Requests to Earshot's API, which has the same address as this page.

import { authorization, isSignedIn, signsIn } from "./identity.js";

const BASE = new URL("./", location.href);
const TIMEOUT_MS = 30_000;

/** An error answer. `status` is 0 if there was no answer. */
export class ApiError extends Error {
  constructor(message, status, code = "") {
    super(message);
    this.status = status;
    this.code = code;
    /** The body and the ETag of the answer, if there are any. */
    this.answer = null;
    this.etag = "";
  }

  get isUnsigned() {
    return this.status === 401 || (this.status === 403 && /auth|token|sign/i.test(this.message));
  }
}

export const connection = new EventTarget();

/** The address of an API route; parameters without a value are left out. */
export function link(path, parameters = {}) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  return url.href;
}

export function recordingPath(id, ...rest) {
  return ["recordings", id, ...rest].map(encodeURIComponent).join("/");
}

/** The address of media or a table that the browser can request without a header. */
export async function address(path, parameters = {}) {
  if (!signsIn) return link(path, parameters);
  const { url } = await call(path, { parameters: { ...parameters, redirect: "no" } });
  return url;
}

/** Sends a request and returns the answer's JSON. Raises ApiError with a sentence for the user. */
export async function call(path, options) {
  const response = await ask(path, options);
  const answer = await response.json().catch(() => null);
  if (answer === null) throw refused(response, null);
  return answer;
}

/**
 * Sends a request and returns a successful answer. Raises ApiError.
 *
 * @param {string} path
 * @param {{method?: string, parameters?: object, body?: object, headers?: object, signal?: AbortSignal}} [options]
 */
export async function ask(path, { method = "GET", parameters, body, headers, signal } = {}) {
  const url = link(path, parameters);
  // The bucket's addresses are signed, and a token must not be sent to other servers.
  const isSigned = url.startsWith(BASE.href) && isSignedIn();
  const request = (identity) =>
    fetch(url, {
      method,
      headers: {
        Accept: "application/json",
        ...(body && { "Content-Type": "application/json" }),
        ...headers,
        ...identity,
      },
      body: body && JSON.stringify(body),
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])]),
    });
  let response;
  try {
    response = await request(isSigned && (await authorization()));
    if (response.status === 401 && isSigned) response = await request(await authorization({ anew: true }));
  } catch (error) {
    if (signal?.aborted) throw error;
    connection.dispatchEvent(new Event("lost"));
    const words =
      error.name === "TimeoutError" ? "Earshot takes too long to answer." : "Earshot cannot be reached.";
    throw new ApiError(words, 0);
  }
  connection.dispatchEvent(new Event("found"));
  if (!response.ok) throw refused(response, await response.json().catch(() => null));
  return response;
}

function refused(response, answer) {
  const words =
    answer?.Message ??
    answer?.message ??
    `Earshot answered ${response.status}, which this page does not understand.`;
  const error = new ApiError(words, response.status, answer?.Code);
  error.answer = answer;
  error.etag = response.headers.get("ETag") ?? "";
  return error;
}

/** Uploads a file with a form that the bucket accepts. Settles when the bucket has answered. */
export function sendForm({ url, fields }, file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", file); // the bucket ignores what comes after it
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.upload.onprogress = (event) => onProgress(event.loaded / event.total);
    request.onload = () =>
      request.status < 300 ? resolve() : reject(new ApiError(refusal(request), request.status));
    request.onerror = () => reject(new ApiError("The connection broke while sending.", 0));
    request.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

function refusal(request) {
  const answer = new DOMParser().parseFromString(request.responseText, "application/xml");
  switch (answer.querySelector("Error > Code")?.textContent) {
    case "EntityTooLarge":
      return "The file is too large.";
    case "EntityTooSmall":
      return "The file is empty.";
    case "AccessDenied":
      return "The permission to upload has expired. Try again.";
    default:
      return `The bucket refused the file (${request.status}).`;
  }
}
