"""aiortc's side of the echo bench: decodes each caller and encodes the same sound back.

Speaks as our-server.ts does: prints its URL, answers POST /webrtc/offer and GET /usage, and serves
until its input ends. HTTP is written out, because Debian's aiortc brings no HTTP server.
"""

import asyncio
import json
import os
import sys
import threading
import time

import aioice.ice
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

# By itself aioice leaves loopback out and tries every other address.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]

LOOP_TICK_S = 0.01
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

peers = set()
loop_delays_ms = []


class Echo(MediaStreamTrack):
    kind = "audio"

    def __init__(self, source):
        super().__init__()
        self.source = source

    async def recv(self):
        # A decoded frame; the sender encodes it.
        return await self.source.recv()


async def answer(offer):
    # No STUN server, which is what aiortc asks by itself.
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peers.add(peer)

    @peer.on("track")
    def on_track(track):
        peer.addTrack(Echo(track))

    @peer.on("connectionstatechange")
    async def on_state():
        if peer.connectionState in ("failed", "closed"):
            peers.discard(peer)
            await peer.close()

    await peer.setRemoteDescription(RTCSessionDescription(offer["sdp"], offer["type"]))
    await peer.setLocalDescription(await peer.createAnswer())
    return {"type": peer.localDescription.type, "sdp": peer.localDescription.sdp}


def usage():
    delays = sorted(loop_delays_ms) or [0]
    loop_delays_ms.clear()
    with open("/proc/self/statm") as statm:
        resident_pages = int(statm.read().split()[1])
    return {
        "cpuMs": time.process_time() * 1000,
        "rssBytes": resident_pages * PAGE_BYTES,
        "loopDelayMsP99": delays[min(len(delays) - 1, len(delays) * 99 // 100)],
    }


async def watch_loop():
    while True:
        start = time.monotonic()
        await asyncio.sleep(LOOP_TICK_S)
        loop_delays_ms.append(max(0, time.monotonic() - start - LOOP_TICK_S) * 1000)


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            is_offer = head[0].startswith("POST")
            result = json.dumps(await answer(json.loads(body)) if is_offer else usage()).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\n\r\n" % len(result) + result
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def exit_with_input():
    sys.stdin.read()
    os._exit(0)


async def main():
    threading.Thread(target=exit_with_input, daemon=True).start()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await watch_loop()


asyncio.run(main())
