import { ApiError, csrfToken, parse } from "./api.js";

// Without a byte of progress for this long nothing comes any more; the answer itself may take as long as WhatsApp.
const STALLED_MS = 60000;
const ANSWER_MS = 60000;

/**
 * Posts a file and tells how far it is; fetch cannot.
 * @param {string} path
 * @param {Record<string, string|File>} fields
 * @param {(share: number) => void} progress from 0 to 1
 * @returns {Promise<{status: number, body: any}>}
 * @throws {ApiError}
 */
export function upload(path, fields, progress) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    let timer = 0;
    const within = (ms) => {
      clearTimeout(timer);
      timer = setTimeout(() => call.abort(), ms);
    };
    const lost = () => {
      clearTimeout(timer);
      reject(new ApiError(0));
    };
    call.upload.addEventListener("progress", ({ loaded, total }) => {
      within(STALLED_MS);
      progress(total ? loaded / total : 0);
    });
    call.upload.addEventListener("load", () => {
      within(ANSWER_MS);
      progress(1);
    });
    call.addEventListener("error", lost);
    call.addEventListener("abort", lost);
    call.addEventListener("load", () => {
      clearTimeout(timer);
      const ok = call.status >= 200 && call.status < 300;
      const body = parse(call.responseText);
      if (ok && body) resolve({ status: call.status, body });
      else reject(new ApiError(ok ? 502 : call.status, body ?? {}));
    });
    call.open("POST", path);
    call.setRequestHeader("Accept", "application/json");
    call.setRequestHeader("X-CSRFToken", csrfToken());
    within(STALLED_MS);
    call.send(form);
  });
}
