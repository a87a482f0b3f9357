/**
 * The server's side of DTLS 1.2 for WebRTC: one cipher suite, both sides show certificates, SRTP keys
 * come out.
 *
 * In go datagrams from a path that ICE has checked, out go datagrams, the channel's data, and once the
 * keys for media. The peer connection calls it. It exists because werift's own server believes what it
 * is told: it verifies neither the client's signature (CertificateVerify) nor its Finished, lets an
 * unencrypted alert or hello end a session, and waits 500 ms to 1 s for each lost packet.
 */

import {
  createECDH,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
  X509Certificate,
  type ECDH,
} from "node:crypto";
import type { Clock, Timer } from "../../../media/clock.ts";
import { fingerprintOf, type DtlsCertificate } from "./certificate.ts";
import {
  CIPHER_SUITE,
  ECDSA_SHA256,
  GROUP_P256,
  HandshakeReassembler,
  HandshakeType,
  readCertificate,
  readCertificateVerify,
  readClientHello,
  readClientKeyExchange,
  SIGNATURE_SCHEMES,
  writeCertificate,
  writeCertificateRequest,
  writeHandshake,
  writeKeyExchangeParameters,
  writeServerHello,
  writeServerKeyExchange,
  type HandshakeMessage,
} from "./handshake-message.ts";
import {
  exportSrtpKeys,
  extendedMasterSecret,
  finishedData,
  recordKeys,
  transcriptHash,
} from "./key-schedule.ts";
import {
  ContentType,
  readRecords,
  RecordOpener,
  RecordSealer,
  writePlainRecord,
  type DtlsRecord,
} from "./record.ts";

/** What a {@link DtlsServer} needs. */
export interface DtlsServerOptions {
  readonly certificate: DtlsCertificate;
  /** What the offer's `a=fingerprint` lines promised; the client must show one of them. */
  readonly remoteFingerprints: readonly { readonly algorithm: string; readonly value: string }[];
  /** SRTP profiles that we take, best first; empty for a session without media. */
  readonly srtpProfiles: readonly number[];
  readonly clock: Clock;
}

/** What a {@link DtlsServer} tells its owner. */
export interface DtlsListener {
  /** A datagram must go to the other side. */
  onSend(datagram: Buffer): void;
  /** The other side has proved who it is; data and media can flow. */
  onConnected(): void;
  /** Data of the channel. */
  onData(data: Buffer): void;
  /** The other side said goodbye (close_notify), or a fatal alert, under encryption. */
  onClosed(): void;
  /** The client cannot be who the offer said, or has no cipher in common with us. */
  onFailed(reason: string): void;
}

/** Keys of one direction of media. */
export interface SrtpKeys {
  readonly key: Buffer;
  readonly salt: Buffer;
}

// RFC 6347 section 4.2.4.1 recommends 1 s to start with and allows less for real-time use; browsers
// take 50 ms. A path that ICE has just checked is rarely slower, and a spare flight costs 700 bytes.
const FIRST_RETRANSMIT_MS = 60;
const MAX_RETRANSMIT_MS = 2_000;
const ALERT_FATAL = 2;
const ALERT_CLOSE_NOTIFY = 0;

type State = "hello" | "keys" | "connected" | "closed";

/** A DTLS 1.2 server for one session. */
export class DtlsServer {
  readonly #options: DtlsServerOptions;
  readonly #listener: DtlsListener;
  readonly #reassembler = new HandshakeReassembler();
  readonly #serverRandom = randomBytes(32);
  #state: State = "hello";
  #transcript: Buffer[] = [];
  #clientRandom: Buffer = Buffer.alloc(0);
  #ecdh: ECDH | undefined;
  #clientCertificate: X509Certificate | undefined;
  #isClientVerified = false;
  #masterSecret: Buffer = Buffer.alloc(0);
  #srtpProfile: number | undefined;
  #sealer: RecordSealer | undefined;
  #opener: RecordOpener | undefined;
  #plainSequence = 0;
  #nextMessage = 0;
  /** The flight that the client may need again, as records to be sealed or numbered anew. */
  #resendFlight: (() => void) | undefined;
  #timer: Timer | undefined;

  constructor(options: DtlsServerOptions, listener: DtlsListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** The SRTP profile that was agreed on; undefined without media or before the handshake's end. */
  get srtpProfile(): number | undefined {
    return this.#srtpProfile;
  }

  /**
   * Exports the keys for media.
   *
   * @param keyLength - Bytes of a master key.
   * @param saltLength - Bytes of a master salt.
   */
  srtpKeys(
    keyLength: number,
    saltLength: number,
  ): { readonly local: SrtpKeys; readonly remote: SrtpKeys } {
    const length = 2 * (keyLength + saltLength);
    const material = exportSrtpKeys(
      this.#masterSecret,
      this.#clientRandom,
      this.#serverRandom,
      length,
    );
    const salts = 2 * keyLength;
    return {
      remote: {
        key: material.subarray(0, keyLength),
        salt: material.subarray(salts, salts + saltLength),
      },
      local: {
        key: material.subarray(keyLength, salts),
        salt: material.subarray(salts + saltLength),
      },
    };
  }

  /** Takes one datagram; garbage is dropped without a word (RFC 6347 section 4.1.2.7). */
  receive(datagram: Buffer): void {
    for (const record of readRecords(datagram)) {
      if (this.#state === "closed") return;
      this.#receiveRecord(record);
    }
  }

  /** Sends data of the channel; does nothing before the handshake's end and after the close. */
  send(data: Buffer): void {
    if (this.#state !== "connected" || !this.#sealer) return;
    this.#listener.onSend(this.#sealer.seal(ContentType.applicationData, data));
  }

  /** Says goodbye and frees the timer. Safe to call twice. */
  close(): void {
    if (this.#state === "connected" && this.#sealer) {
      this.#listener.onSend(
        this.#sealer.seal(ContentType.alert, Buffer.from([1, ALERT_CLOSE_NOTIFY])),
      );
    }
    this.#end();
  }

  #end(): void {
    this.#state = "closed";
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#resendFlight = undefined;
    this.#transcript = [];
  }

  #receiveRecord(record: DtlsRecord): void {
    if (record.epoch === 0) {
      // Nothing in the clear can be believed once there are keys, and an alert in the clear never.
      if (record.type === ContentType.handshake && this.#state !== "connected") {
        this.#receiveHandshake(record.fragment, false);
      }
      return;
    }
    const content = this.#opener?.open(record);
    if (!content) return;
    switch (record.type) {
      case ContentType.handshake:
        // After the handshake only a repeated Finished comes: our last flight was lost.
        if (this.#state === "connected") this.#resendFlight?.();
        else this.#receiveHandshake(content, true);
        break;
      case ContentType.applicationData:
        if (this.#state === "connected") this.#listener.onData(content);
        break;
      case ContentType.alert:
        if (this.#state === "connected") this.#receiveAlert(content);
        break;
      default:
        break;
    }
  }

  #receiveAlert(content: Buffer): void {
    if (content.length !== 2 || (content[0] !== ALERT_FATAL && content[1] !== ALERT_CLOSE_NOTIFY))
      return;
    this.#end();
    this.#listener.onClosed();
  }

  #receiveHandshake(fragment: Buffer, isEncrypted: boolean): void {
    // A repeated first hello: the client has not seen our flight.
    const isRepeatedHello =
      fragment.length >= 12 && fragment[0] === HandshakeType.clientHello && this.#state === "keys";
    if (isRepeatedHello && fragment.readUIntBE(6, 3) === 0) {
      this.#resendFlight?.();
      return;
    }
    for (const message of this.#reassembler.push(fragment)) {
      try {
        if (isEncrypted !== (message.type === HandshakeType.finished)) {
          throw new Error("A handshake message came on the wrong side of ChangeCipherSpec.");
        }
        this.#receiveMessage(message);
      } catch (error) {
        this.#fail(error instanceof Error ? error.message : "malformed handshake");
        return;
      }
    }
  }

  #receiveMessage(message: HandshakeMessage): void {
    if (this.#state === "hello") {
      if (message.type !== HandshakeType.clientHello)
        throw new Error("The handshake does not begin with a hello.");
      this.#receiveHello(message);
      return;
    }
    switch (message.type) {
      case HandshakeType.certificate:
        this.#receiveCertificate(message);
        break;
      case HandshakeType.clientKeyExchange:
        this.#receiveKeyExchange(message);
        break;
      case HandshakeType.certificateVerify:
        this.#receiveVerify(message);
        break;
      case HandshakeType.finished:
        this.#receiveFinished(message);
        break;
      default:
        throw new Error(`Handshake message ${message.type} is out of place.`);
    }
  }

  #receiveHello(message: HandshakeMessage): void {
    const hello = readClientHello(message.body);
    if (!hello.cipherSuites.includes(CIPHER_SUITE) || !hello.groups.includes(GROUP_P256)) {
      throw new Error("The client has neither ECDHE-ECDSA-AES128-GCM-SHA256 nor P-256.");
    }
    if (!hello.signatureSchemes.includes(ECDSA_SHA256))
      throw new Error("The client has no ECDSA with SHA-256.");
    // Without it the keys are not bound to this handshake (RFC 7627); every browser has it.
    if (!hello.extendedMasterSecret) throw new Error("The client has no extended master secret.");
    const { srtpProfiles, certificate } = this.#options;
    this.#srtpProfile = srtpProfiles.find((profile) => hello.srtpProfiles.includes(profile));
    if (srtpProfiles.length > 0 && this.#srtpProfile === undefined) {
      throw new Error("The client has no SRTP profile of ours.");
    }
    this.#clientRandom = Buffer.from(hello.random);
    this.#ecdh = createECDH("prime256v1");
    const parameters = writeKeyExchangeParameters(this.#ecdh.generateKeys());
    const signed = Buffer.concat([this.#clientRandom, this.#serverRandom, parameters]);
    const signature = sign("sha256", signed, certificate.privateKey);
    // No HelloVerifyRequest: ICE has proved already that the client is where it says (RFC 8842
    // section 6.1 leaves it open), and it would cost a round trip.
    const flight = [
      this.#message(
        HandshakeType.serverHello,
        writeServerHello(this.#serverRandom, this.#srtpProfile),
      ),
      this.#message(HandshakeType.certificate, writeCertificate(certificate.der)),
      this.#message(HandshakeType.serverKeyExchange, writeServerKeyExchange(parameters, signature)),
      this.#message(HandshakeType.certificateRequest, writeCertificateRequest()),
      this.#message(HandshakeType.serverHelloDone, Buffer.alloc(0)),
    ];
    this.#transcript = [message.bytes, ...flight];
    this.#state = "keys";
    this.#resendFlight = () => {
      const records = flight.map((bytes) =>
        writePlainRecord(ContentType.handshake, this.#plainSequence++, bytes),
      );
      this.#listener.onSend(Buffer.concat(records));
    };
    this.#resendFlight();
    this.#retransmitIn(FIRST_RETRANSMIT_MS);
  }

  #retransmitIn(delayMs: number): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      if (this.#state !== "keys") return;
      this.#resendFlight?.();
      this.#retransmitIn(Math.min(delayMs * 2, MAX_RETRANSMIT_MS));
    }, delayMs);
  }

  #receiveCertificate(message: HandshakeMessage): void {
    const der = readCertificate(message.body);
    const isPromised = this.#options.remoteFingerprints.some(
      ({ algorithm, value }) => fingerprintOf(der, algorithm) === value,
    );
    if (!isPromised)
      throw new Error("The client's certificate is not the one that the offer named.");
    this.#clientCertificate = new X509Certificate(der);
    this.#transcript.push(message.bytes);
  }

  #receiveKeyExchange(message: HandshakeMessage): void {
    if (!this.#clientCertificate || !this.#ecdh)
      throw new Error("The client has shown no certificate.");
    this.#transcript.push(message.bytes);
    const preMasterSecret = this.#ecdh.computeSecret(readClientKeyExchange(message.body));
    this.#ecdh = undefined;
    this.#masterSecret = extendedMasterSecret(preMasterSecret, transcriptHash(this.#transcript));
    const keys = recordKeys(this.#masterSecret, this.#clientRandom, this.#serverRandom);
    this.#opener = new RecordOpener(keys.clientKey, keys.clientSalt);
    this.#sealer = new RecordSealer(keys.serverKey, keys.serverSalt);
  }

  #receiveVerify(message: HandshakeMessage): void {
    const { scheme, signature } = readCertificateVerify(message.body);
    const algorithm = SIGNATURE_SCHEMES.get(scheme);
    const key = this.#clientCertificate?.publicKey;
    const isGenuine =
      this.#opener !== undefined &&
      algorithm !== undefined &&
      key?.asymmetricKeyType === algorithm.keyType &&
      verify(algorithm.hash, Buffer.concat(this.#transcript), key, signature);
    if (!isGenuine) throw new Error("The client does not hold the key of its certificate.");
    this.#isClientVerified = true;
    this.#transcript.push(message.bytes);
  }

  #receiveFinished(message: HandshakeMessage): void {
    const expected = finishedData(this.#masterSecret, "client", this.#transcript);
    const isMatch =
      message.body.length === expected.length && timingSafeEqual(message.body, expected);
    if (!this.#isClientVerified || !isMatch) {
      throw new Error("The client's Finished does not match the handshake.");
    }
    this.#transcript.push(message.bytes);
    const finished = finishedData(this.#masterSecret, "server", this.#transcript);
    const bytes = this.#message(HandshakeType.finished, finished);
    this.#transcript = [];
    this.#clientCertificate = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#state = "connected";
    this.#resendFlight = () => {
      if (!this.#sealer) return;
      const changeCipherSpec = writePlainRecord(
        ContentType.changeCipherSpec,
        this.#plainSequence++,
        Buffer.from([1]),
      );
      this.#listener.onSend(
        Buffer.concat([changeCipherSpec, this.#sealer.seal(ContentType.handshake, bytes)]),
      );
    };
    this.#resendFlight();
    this.#listener.onConnected();
  }

  #message(type: number, body: Buffer): Buffer {
    return writeHandshake(type, this.#nextMessage++, body);
  }

  #fail(reason: string): void {
    this.#end();
    this.#listener.onFailed(reason);
  }
}
