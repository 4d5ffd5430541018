// Keep "5 min ago" true while a page stays open. The words are those of the server's {% ago %}.
const UNITS = [["day", 86400], ["h", 3600], ["min", 60]];

function words(then, now) {
  const seconds = Math.trunc((now - then) / 1000);
  const size = Math.abs(seconds);
  if (size < 45) return seconds >= 0 ? "just now" : "in a moment";
  if (size >= 30 * 86400) return null;
  const [unit, length] = UNITS.find(([name, limit]) => size >= limit || name === "min");
  const number = Math.max(1, Math.round(size / length));
  const text = `${number} ${unit}${unit === "day" && number !== 1 ? "s" : ""}`;
  return seconds >= 0 ? `${text} ago` : `in ${text}`;
}

function refresh() {
  const now = Date.now();
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const text = words(Date.parse(element.dateTime), now);
    if (text && element.textContent !== text) element.textContent = text;
  }
}

setInterval(() => document.hidden || refresh(), 15_000);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
