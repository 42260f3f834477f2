/** Exit statuses of ipvigild; the numbers are keepalived's, so that scripts around it go on working. */
export const exitCodes = {
  success: 0,
  /** The command line is wrong, or something that is needed is missing (ip_vs in the kernel). */
  failure: 1,
  /** The configuration cannot be run. */
  configuration: 2,
  permission: 4,
  /** There is no usable configuration file. */
  noConfiguration: 6,
  /** A fault of ours (sysexits.h EX_SOFTWARE). */
  internal: 70,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
