/**
 * Takes as much of an HTTP response as a check needs: the status line, the header fields, and the body until its end,
 * so that the server is not cut off in the middle of an answer. Nothing of the body is kept.
 */
import type { ResponseReader } from '../probe.ts';

/** Status line and header fields together; nginx and Apache send far less. */
const MAX_HEAD_BYTES = 64 << 10;
/** A body is read up to here; by then the status has told what the check wants to know. */
const MAX_BODY_BYTES = 16 << 20;

const LF = 0x0a;
const CR = 0x0d;

export class HttpResponseReader implements ResponseReader {
  /** Three digits, as soon as the status line is complete and sound. */
  status: number | undefined;
  /** Why this is no HTTP response; bounded. */
  fault: string | undefined;
  #head: number[] = [];
  #headEnded = false;
  #headBytes = 0;
  /** Bytes that the body still has to come; undefined: until the server closes. */
  #bodyLeft: number | undefined;
  #bodyBytes = 0;

  read(bytes: Uint8Array): boolean {
    let offset = 0;
    while (!this.#headEnded) {
      const end = bytes.indexOf(LF, offset);
      const piece = bytes.subarray(offset, end < 0 ? bytes.length : end);
      this.#headBytes += piece.length + 1;
      if (this.#headBytes > MAX_HEAD_BYTES) return this.#fail(`header longer than ${MAX_HEAD_BYTES} bytes`);
      for (const byte of piece) this.#head.push(byte);
      if (end < 0) return false;
      offset = end + 1;
      this.#line();
      if (this.fault !== undefined) return true;
    }
    this.#bodyBytes += bytes.length - offset;
    if (this.#bodyLeft !== undefined && this.#bodyBytes >= this.#bodyLeft) return true;
    return this.#bodyBytes >= MAX_BODY_BYTES;
  }

  /** The server closed. It may, after the header; without a whole one there is no answer. */
  end(): void {
    if (this.#headEnded || this.fault !== undefined) return;
    this.fault = this.#headBytes === 0 ? 'closed without an answer' : 'closed in the middle of the header';
  }

  #line(): void {
    if (this.#head.at(-1) === CR) this.#head.pop();
    const line = String.fromCharCode(...this.#head.slice(0, 1024));
    this.#head = [];
    if (this.status === undefined) {
      const match = /^HTTP\/[0-9.]+ +([0-9]{3})(?: |$)/.exec(line);
      if (match === null) {
        this.#fail(`not an HTTP response: ${JSON.stringify(line.slice(0, 60))}`);
        return;
      }
      this.status = Number(match[1]);
      return;
    }
    if (line === '') {
      this.#endHead();
      return;
    }
    const length = /^content-length:[ \t]*([0-9]{1,15})[ \t]*$/i.exec(line);
    if (length !== null) this.#bodyLeft = Number(length[1]);
  }

  #endHead(): void {
    const status = this.status!;
    if (status >= 100 && status < 200 && status !== 101) {
      // An interim response (RFC 9110 section 15.2); the final one follows.
      this.status = undefined;
      this.#bodyLeft = undefined;
      return;
    }
    this.#headEnded = true;
    if (status === 204 || status === 304) this.#bodyLeft = 0;
  }

  #fail(fault: string): true {
    this.fault = fault;
    return true;
  }
}
