/**
 * Why the lab cannot run on this machine. It is an answer, not a fault: kernel tests that meet it are counted
 * as skipped and show `message` as the reason.
 */
export class LabUnavailable extends Error {
  override readonly name = 'LabUnavailable';
}
