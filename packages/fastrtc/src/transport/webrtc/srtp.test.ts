import { randomBytes } from "node:crypto";
import { RtpHeader as WeriftHeader, SrtcpSession, SrtpSession } from "werift";
import { describe, expect, it } from "vitest";
import { RTP_HEADER_LENGTH, writeRtpHeader } from "./rtp.ts";
import { SrtpReceiver, SrtpSender } from "./srtp.ts";
import { AEAD_AES128_GCM, AES128_CM_SHA1_80, srtpSaltLength } from "./srtp-cipher.ts";

const HEADER = {
  marker: false,
  payloadType: 111,
  timestamp: 960,
  ssrc: 0x1234_5678,
  headerLength: RTP_HEADER_LENGTH,
};
const PROFILES = [
  ["AEAD_AES_128_GCM", AEAD_AES128_GCM],
  ["AES_CM_128_HMAC_SHA1_80", AES128_CM_SHA1_80],
] as const;

function rtp(sequenceNumber: number, payload = Buffer.from("payload of this packet")): Buffer {
  const packet = Buffer.alloc(RTP_HEADER_LENGTH + payload.length);
  writeRtpHeader(packet, { ...HEADER, sequenceNumber });
  payload.copy(packet, RTP_HEADER_LENGTH);
  return packet;
}

function rtcp(): Buffer {
  return Buffer.from("80c90001123456780000000000000000", "hex");
}

describe.each(PROFILES)("SRTP with %s", (_name, profile) => {
  const key = randomBytes(16);
  const salt = randomBytes(srtpSaltLength(profile));
  const pair = (): { sender: SrtpSender; receiver: SrtpReceiver } => ({
    sender: new SrtpSender(profile, key, salt),
    receiver: new SrtpReceiver(profile, key, salt),
  });
  const seal = (sender: SrtpSender, sequenceNumber: number): Buffer =>
    sender.protect(rtp(sequenceNumber), { ...HEADER, sequenceNumber });

  it("is understood by another implementation, and understands it", () => {
    const keys = {
      localMasterKey: key,
      localMasterSalt: salt,
      remoteMasterKey: key,
      remoteMasterSalt: salt,
    };
    const other = new SrtpSession({ keys, profile });
    const otherControl = new SrtcpSession({ keys, profile });
    const { sender, receiver } = pair();
    expect(other.decrypt(seal(sender, 9))).toEqual(rtp(9));
    expect(otherControl.decrypt(sender.protectControl(rtcp()))).toEqual(rtcp());
    const theirs = other.encrypt(
      rtp(10).subarray(RTP_HEADER_LENGTH),
      WeriftHeader.deSerialize(rtp(10)),
    );
    expect(receiver.open(theirs)?.payload.toString()).toBe("payload of this packet");
    expect(receiver.openControl(otherControl.encrypt(rtcp()))).toEqual(rtcp());
  });

  it("carries a stream across the wrap of sequence numbers, also out of order", () => {
    const { sender, receiver } = pair();
    const sealed = [65_533, 65_534, 65_535, 0, 1, 2].map((sequence) => seal(sender, sequence));
    const [a, b, c, d, e, f] = sealed as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
    const opened = [a, b, d, c, f, e].map((packet) => receiver.open(packet)?.header.sequenceNumber);
    expect(opened).toEqual([65_533, 65_534, 0, 65_535, 2, 1]);
  });

  it("refuses every packet that was altered, and stays usable", () => {
    const { sender, receiver } = pair();
    const sealed = seal(sender, 1);
    for (let index = 2; index < sealed.length; index++) {
      const forged = Buffer.from(sealed);
      forged.writeUInt8(forged.readUInt8(index) ^ 1, index);
      expect(receiver.open(forged)).toBeUndefined();
    }
    expect(receiver.open(sealed)).toBeDefined();
    const control = sender.protectControl(rtcp());
    for (let index = 4; index < control.length; index++) {
      const forged = Buffer.from(control);
      forged.writeUInt8(forged.readUInt8(index) ^ 1, index);
      expect(receiver.openControl(forged)).toBeUndefined();
    }
    expect(receiver.openControl(control)).toBeDefined();
  });

  it("refuses replays and packets from before the window", () => {
    const { sender, receiver } = pair();
    const first = seal(sender, 1);
    const second = seal(sender, 2);
    expect(receiver.open(second)).toBeDefined();
    expect(receiver.open(second)).toBeUndefined();
    receiver.open(seal(sender, 500));
    expect(receiver.open(first)).toBeUndefined();
    const control = sender.protectControl(rtcp());
    expect(receiver.openControl(control)).toBeDefined();
    expect(receiver.openControl(control)).toBeUndefined();
  });

  it("keeps no state for forged streams, and bounds that of genuine ones", () => {
    const { sender, receiver } = pair();
    for (let ssrc = 1; ssrc <= 20; ssrc++) {
      const packet = rtp(1);
      packet.writeUInt32BE(ssrc, 8);
      const sealed = sender.protect(packet, { ...HEADER, ssrc, sequenceNumber: 1 });
      const isAccepted = receiver.open(sealed) !== undefined;
      expect(isAccepted).toBe(ssrc <= 8);
    }
  });

  it("refuses packets that are cut", () => {
    const { sender, receiver } = pair();
    const sealed = seal(sender, 1);
    const control = sender.protectControl(rtcp());
    for (let length = 0; length < sealed.length; length++)
      expect(receiver.open(sealed.subarray(0, length))).toBeUndefined();
    for (let length = 0; length < control.length; length++) {
      expect(receiver.openControl(control.subarray(0, length))).toBeUndefined();
    }
  });
});
