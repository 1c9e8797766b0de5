// The views' addresses: #/, #/search?q=words, #/recordings/{id}?t=12.3

/**
 * Reads an address's fragment into the name of a view and its parameters.
 *
 * @returns {{name: string, [parameter: string]: string}}
 */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parameters = Object.fromEntries(new URLSearchParams(query));
  const [name, id] = path.split("/");
  if (name === "recordings" && id) return { name: "recording", id: decoded(id), ...parameters };
  if (name === "search") return { name: "search", ...parameters };
  return { name: "library", ...parameters };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Writes the fragment of a view; parameters without a value are left out. */
export function fragment(path, parameters = {}) {
  const query = new URLSearchParams(
    Object.entries(parameters).filter(([, value]) => value !== "" && value !== undefined),
  );
  return `#/${path}${query.size ? `?${query}` : ""}`;
}

/** Shows another view. */
export function go(path, parameters) {
  location.hash = fragment(path, parameters);
}
