/**
 * Times come as the desk's local time without an offset ("2026-02-05T10:30:00"); the browser may be elsewhere. So they
 * are read as if they were UTC and only "now" is asked of the desk's zone.
 */
const zone = document.getElementById("chat")?.dataset.zona || undefined;
const local = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: zone });
const format = (options) => new Intl.DateTimeFormat("es-MX", { ...options, timeZone: "UTC" });
const fullFormat = format({ dateStyle: "full", timeStyle: "medium", hourCycle: "h23" });
const dayFormat = format({ weekday: "long", day: "numeric", month: "long" });
const yearFormat = format({ day: "numeric", month: "long", year: "numeric" });
const shortFormat = format({ day: "numeric", month: "short" });

const asDate = (timestamp) => new Date(`${timestamp.slice(0, 19)}Z`);

/** Now, in the form of the desk's timestamps. */
export function now() {
  return local.format(new Date()).replace(" ", "T");
}

/** Seconds from `timestamp` until now. */
export function age(timestamp) {
  return (asDate(now()) - asDate(timestamp)) / 1000;
}

/** "2026-02-05" of a timestamp. */
export function dayOf(timestamp) {
  return timestamp.slice(0, 10);
}

/** "10:30" of a timestamp. */
export function clock(timestamp) {
  return timestamp.slice(11, 16);
}

/** The whole date and time in words. */
export function fullDate(timestamp) {
  const date = asDate(timestamp);
  return Number.isNaN(date.getTime()) ? timestamp : fullFormat.format(date);
}

/** "Hoy", "Ayer", "lunes, 2 de febrero" or "2 de febrero de 2025". */
export function dayLabel(day) {
  const today = dayOf(now());
  const days = Math.round((asDate(`${today}T00:00:00`) - asDate(`${day}T00:00:00`)) / 86_400_000);
  if (days === 0) return "Hoy";
  if (days === 1) return "Ayer";
  const date = asDate(`${day}T00:00:00`);
  if (Number.isNaN(date.getTime())) return day;
  return (day.slice(0, 4) === today.slice(0, 4) ? dayFormat : yearFormat).format(date);
}

/** "5 feb 10:30". */
export function shortDate(timestamp) {
  const date = asDate(timestamp);
  return Number.isNaN(date.getTime()) ? timestamp : `${shortFormat.format(date)} ${clock(timestamp)}`;
}

/** "3 ago", or "3 ago 2025" of another year. */
export function shortDay(timestamp) {
  const date = asDate(timestamp);
  if (Number.isNaN(date.getTime())) return timestamp;
  return shortFormat.format(date) + (timestamp.slice(0, 4) === now().slice(0, 4) ? "" : ` ${timestamp.slice(0, 4)}`);
}

/** "2 de marzo de 2026" of a timestamp. */
export function longDay(timestamp) {
  const date = asDate(timestamp);
  return Number.isNaN(date.getTime()) ? timestamp : yearFormat.format(date);
}

/** "de 15:00 a 18:00", or with their days when they are two. */
export function interval(from, to) {
  if (dayOf(from) === dayOf(to)) return `de ${clock(from)} a ${clock(to)}`;
  return `del ${shortDate(from)} al ${shortDate(to)}`;
}
