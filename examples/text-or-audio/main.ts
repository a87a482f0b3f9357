import { FastRTCClient } from "@fastrtc/client";

const client = new FastRTCClient({ url: "/voice" });
const $ = (id: string): HTMLElement => document.querySelector<HTMLElement>(`#${id}`)!;
const start = $("start") as HTMLButtonElement;
const input = $("text") as HTMLInputElement;

function write(text: string): void {
  const line = document.createElement("li");
  line.textContent = text;
  $("said").append(line);
}

client.on("state-changed", ({ state }) => {
  $("state").textContent = state;
  start.disabled = state === "connecting" || state === "connected";
});
client.on("error", ({ message }) => ($("state").textContent = message));
start.addEventListener("click", () => {
  client.connect().catch(() => undefined); // "error" has told
});
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (client.state !== "connected") return;
  client.send(input.value);
  write(input.value);
  input.value = "";
});
