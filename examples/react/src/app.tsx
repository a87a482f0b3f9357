import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { useFastRTC } from "@fastrtc/react";

function App() {
  const { state, error, connect, disconnect, muted, setMuted, outputs, ...levels } = useFastRTC({
    url: "/voice",
  });
  const isConnected = state === "connected";
  return (
    <>
      <h1>Say something</h1>
      <p className="buttons">
        <button onClick={isConnected ? disconnect : () => void connect()}>
          {isConnected ? "Stop" : "Start"}
        </button>
        <button disabled={!isConnected} onClick={() => setMuted(!muted)}>
          {muted ? "Unmute" : "Mute"}
        </button>
        <output data-state={state}>{error?.message ?? state}</output>
      </p>
      <Level label="You" read={levels.getInputLevel} />
      <Level label="Reply" read={levels.getOutputLevel} />
      <ol>
        {outputs.map(({ id, values }) => (
          <li key={id}>You spoke for {(values[0] as { seconds: number }).seconds.toFixed(1)} s.</li>
        ))}
      </ol>
    </>
  );
}

// Levels change with every frame: they are read here, so that the page around need not render.
function Level({ label, read }: { readonly label: string; readonly read: () => number }) {
  const [level, setLevel] = useState(0);
  useEffect(() => {
    let frame = requestAnimationFrame(function tick() {
      setLevel(read());
      frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [read]);
  return (
    <label>
      {label} <meter value={level} />
    </label>
  );
}

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
