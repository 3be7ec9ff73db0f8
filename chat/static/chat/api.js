const WORDS = {
  0: "Sin conexión con el servidor.",
  401: "Tu sesión terminó.",
  403: "No tienes permiso, o la página caducó: recárgala.",
  404: "Ticket no encontrado.",
  413: "El mensaje o el archivo es demasiado grande.",
  429: "Demasiadas peticiones seguidas. Espera un momento.",
};

/** An answer that is not 2xx or 304; `status` 0 means that no answer came. */
export class ApiError extends Error {
  constructor(status, body = {}) {
    super(body.detail || WORDS[status] || `El servidor respondió con un error (${status}).`);
    this.status = status;
    this.word = body.status || "";
    this.body = body;
  }
}

export function csrfToken() {
  const pair = document.cookie.split("; ").find((cookie) => cookie.startsWith("csrftoken="));
  return pair ? decodeURIComponent(pair.slice("csrftoken=".length)) : "";
}

/**
 * One call to the desk.
 * @param {string} path
 * @param {{body?: object, etag?: string, signal?: AbortSignal, deadline?: number}} [options] with `body` it is a POST
 * @returns {Promise<{status: number, body: any, etag: string|null}>}
 * @throws {ApiError} or an AbortError when `signal` was aborted by the caller
 */
export async function request(path, { body, etag, signal, deadline = 15000 } = {}) {
  const headers = { Accept: "application/json" };
  if (etag) headers["If-None-Match"] = etag;
  if (body) Object.assign(headers, { "Content-Type": "application/json", "X-CSRFToken": csrfToken() });
  const controller = new AbortController();
  const abort = () => controller.abort();
  signal?.addEventListener("abort", abort);
  const timer = setTimeout(abort, deadline);
  try {
    const response = await fetch(path, {
      method: body ? "POST" : "GET",
      body: body && JSON.stringify(body),
      headers,
      cache: "no-store",
      credentials: "same-origin",
      signal: controller.signal,
    });
    const text = await response.text();
    if (response.status === 304) return { status: 304, body: null, etag };
    if (response.redirected) throw new ApiError(401);
    const answer = parse(text);
    if (!response.ok || answer === null) throw new ApiError(response.ok ? 502 : response.status, answer ?? {});
    return { status: response.status, body: answer, etag: response.headers.get("ETag") };
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (signal?.aborted) throw new DOMException("", "AbortError");
    throw new ApiError(0);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/**
 * A file of the desk, to be sent like one that was chosen here.
 * @param {string} path @param {string} name @param {string} type
 * @returns {Promise<File>}
 * @throws {ApiError}
 */
export async function fetchFile(path, name, type) {
  try {
    const response = await fetch(path, { credentials: "same-origin" });
    if (!response.ok || response.redirected) throw new ApiError(response.redirected ? 401 : response.status);
    return new File([await response.blob()], name, { type });
  } catch (error) {
    throw error instanceof ApiError ? error : new ApiError(0);
  }
}

/** The object in `text`; {} for an empty body (204), null for what is not ours (a proxy's page). */
export function parse(text) {
  if (!text) return {};
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

/** Where to log in again and come back to this very panel. */
export function loginUrl() {
  return `/entrar?next=${encodeURIComponent(location.pathname + location.search)}`;
}
