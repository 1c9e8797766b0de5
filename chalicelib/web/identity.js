// Signing in with the user pool's own page: OAuth 2 authorization code with PKCE (RFC 6749, 7636).
// The tokens stay in this tab, and are sent only to the API and the pool.

const told = /** @type {HTMLMetaElement} */ (document.querySelector('meta[name="sign-in"]'));
const settings = JSON.parse(told.content || "null");
const HERE = new URL("./", location.href).href;
const TOKENS = "earshot.tokens";
const BEGUN = "earshot.sign-in";
const EARLY_MS = 60_000;
const TIMEOUT_MS = 30_000;

/** Whether users sign in here; in other deployments a proxy signs the requests, or none is needed. */
export const signsIn = settings !== null;

let refreshing = null;

function tokens() {
  return JSON.parse(sessionStorage.getItem(TOKENS));
}

export function isSignedIn() {
  return tokens() !== null;
}

/** Opens the pool's page, which leads back to this view. */
export async function signIn() {
  const begun = { state: secret(), verifier: secret(), fragment: location.hash };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(begun.verifier));
  sessionStorage.setItem(BEGUN, JSON.stringify(begun));
  leave("oauth2/authorize", {
    response_type: "code",
    redirect_uri: HERE,
    scope: "openid",
    state: begun.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
}

/** Reads the answer of the pool's page, if there is one. Raises an Error for the user. */
export async function finishSigningIn() {
  const answer = new URLSearchParams(location.search);
  if (!signsIn || !answer.has("state")) return;
  const begun = JSON.parse(sessionStorage.getItem(BEGUN));
  sessionStorage.removeItem(BEGUN);
  history.replaceState(null, "", HERE + (begun?.fragment ?? ""));
  // An answer that this tab has not requested may come from an attacker's link, which would sign in as the attacker.
  if (answer.get("state") !== begun?.state) return;
  const fields = { redirect_uri: HERE, code: answer.get("code"), code_verifier: begun.verifier };
  if (!answer.has("code")) throw new Error(answer.get("error_description") ?? answer.get("error"));
  if (!(await exchange("authorization_code", fields))) throw new Error("It took too long. Try again.");
}

/** Deletes the tokens, revokes the refresh token, and ends the pool's session. */
export async function signOut() {
  const held = tokens();
  sessionStorage.removeItem(TOKENS);
  if (held?.refresh_token) {
    // It would be valid for weeks. An error must not stop the user from signing out.
    await fetch(new URL("oauth2/revoke", settings.domain), {
      method: "POST",
      body: new URLSearchParams({ token: held.refresh_token, client_id: settings.client_id }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      keepalive: true,
    }).catch((error) => console.warn("The refresh token could not be revoked:", error));
  }
  leave("logout", { logout_uri: HERE });
}

/** The authorization header; an expired token is renewed first. */
export async function authorization({ anew = false } = {}) {
  const held = tokens();
  if (held && (anew || held.until < Date.now() + EARLY_MS)) {
    refreshing ??= exchange("refresh_token", { refresh_token: held.refresh_token }).finally(() => {
      refreshing = null;
    });
    await refreshing;
  }
  const token = tokens()?.id_token;
  return token ? { Authorization: token } : {};
}

/** Requests tokens and keeps them; returns whether the pool gave any. */
async function exchange(grant_type, fields) {
  const response = await fetch(new URL("oauth2/token", settings.domain), {
    method: "POST",
    body: new URLSearchParams({ grant_type, client_id: settings.client_id, ...fields }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) {
    sessionStorage.removeItem(TOKENS);
    return false;
  }
  const { id_token, refresh_token = fields.refresh_token, expires_in } = await response.json();
  const until = Date.now() + expires_in * 1000;
  sessionStorage.setItem(TOKENS, JSON.stringify({ id_token, refresh_token, until }));
  return true;
}

function leave(path, parameters) {
  const url = new URL(path, settings.domain);
  url.search = new URLSearchParams({ client_id: settings.client_id, ...parameters }).toString();
  location.assign(url);
}

function secret() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
