// Two short notes, made here: no file to fetch. Browsers let a page sound only after a click or a key on it.
const LOCK = "avisos-sonido";
const APART_MS = 3_000;
const NOTES = [
  [880, 0],
  [1174.7, 0.14],
];
const LENGTH_S = 0.35;
const LOUD = 0.18;

let audio = null;
let armed = false;

function unlock() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
}

/** From now on the page may have to sound: the next click or key on it allows that. */
export function armSound() {
  if (armed) return;
  armed = true;
  for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, unlock, { passive: true });
  if (navigator.userActivation?.hasBeenActive) unlock();
}

/** Sounds at once; to be called by a click. */
export function playSound() {
  unlock();
  for (const [frequency, delay] of NOTES) {
    const start = audio.currentTime + delay;
    const note = new OscillatorNode(audio, { frequency });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.linearRampToValueAtTime(LOUD, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, start + LENGTH_S);
    note.connect(volume).connect(audio.destination);
    note.start(start);
    note.stop(start + LENGTH_S);
  }
}

/** Sounds, unless this page may not or any page of this browser did within 3 s. */
export async function ring() {
  if (audio?.state !== "running") return;
  if (!navigator.locks) return playSound();
  await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    playSound();
    await new Promise((resolve) => setTimeout(resolve, APART_MS));
  });
}
