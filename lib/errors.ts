/**
 * Errors of the library: operations that the system refused. A dead real server is a result, not an error; a fault in a
 * configuration file is a diagnostic (see diagnostics/). Both never come as an exception.
 */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

/** Every code that an {@link IpvigilError} can carry. docs/errors.md has a paragraph for each. */
export type ErrorCode =
  | 'ERR_SYSTEM_CALL'
  | 'ERR_PERMISSION'
  | 'ERR_UNSUPPORTED_PLATFORM'
  | 'ERR_NO_IPVS'
  | 'ERR_NETLINK_REFUSED'
  | 'ERR_NETLINK_OVERRUN'
  | 'ERR_NETLINK_MALFORMED'
  | 'ERR_NETLINK_TIMEOUT'
  | 'ERR_NETLINK_CLOSED'
  | 'ERR_INVALID_ARGUMENT'
  | 'ERR_ABORTED';

/** A positive errno as the kernel gives it, with its symbolic name (`EEXIST`) and a short text. */
export interface Errno {
  readonly number: number;
  readonly name: string;
  readonly text: string;
}

const namesByNumber = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) {
  // EAGAIN and EWOULDBLOCK (and EOPNOTSUPP, ENOTSUP) share a number on Linux; the first name listed wins.
  if (!namesByNumber.has(number)) namesByNumber.set(number, name);
}

/** Name and text of a positive errno, from the platform's own table; an unknown number is named `E` plus the number. */
export function describeErrno(number: number): Errno {
  const known = getSystemErrorMap().get(-number);
  const name = known?.[0] ?? namesByNumber.get(number) ?? `E${number}`;
  return { number, name, text: known?.[1] ?? name };
}

/** The number of a symbolic errno on this platform. */
export function errnoNumber(name: keyof typeof constants.errno): number {
  return constants.errno[name];
}

export interface ErrorDetails {
  /** What was attempted, as a verb phrase: `add real server 10.0.0.11:80`. */
  readonly operation: string;
  /** On what it was attempted: `virtual server 10.0.0.1:80/tcp`, `interface eth0`. */
  readonly subject?: string | undefined;
  readonly errno?: Errno | undefined;
  /** What came back, when it is more than the errno: the kernel's extended-ack text, a length that was wrong. */
  readonly detail?: string | undefined;
  /** What the reader can do about it. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/**
 * The one class of errors that this library throws. The message says what was attempted, on what, what came back and
 * what to do: `add real server 10.0.0.11:80 to virtual server 10.0.0.1:80/tcp: EEXIST (file already exists)`.
 */
export class IpvigilError extends Error {
  override readonly name = 'IpvigilError';
  readonly code: ErrorCode;
  readonly operation: string;
  readonly subject: string | undefined;
  readonly errno: Errno | undefined;
  readonly detail: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(formatMessage(details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.operation = details.operation;
    this.subject = details.subject;
    this.errno = details.errno;
    this.detail = details.detail;
    this.hint = details.hint;
  }
}

/** An error for a failed system call; EPERM and EACCES become ERR_PERMISSION. The only mapping from errno to code. */
export function systemCallError(errnoValue: number, details: Omit<ErrorDetails, 'errno'>): IpvigilError {
  const errno = describeErrno(errnoValue);
  const denied = errno.name === 'EPERM' || errno.name === 'EACCES';
  return new IpvigilError(denied ? 'ERR_PERMISSION' : 'ERR_SYSTEM_CALL', { ...details, errno });
}

function formatMessage({ operation, subject, errno, detail, hint }: ErrorDetails): string {
  const attempted = subject === undefined ? operation : `${operation} ${subject}`;
  const answers = [errno === undefined ? undefined : `${errno.name} (${errno.text})`, detail].filter(
    (part) => part !== undefined && part !== '',
  );
  const answered = answers.length === 0 ? attempted : `${attempted}: ${answers.join(': ')}`;
  return hint === undefined ? answered : `${answered}; ${hint}`;
}
