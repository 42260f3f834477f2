/**
 * Whether a virtual server has enough alive real servers (keepalived.conf(5) quorum, hysteresis). With hysteresis the
 * answer depends on the one before:
 *
 *     lost   --- sum >= quorum + hysteresis ---------------->  gained
 *     gained --- sum < quorum - hysteresis, or sum is 0 ---->  lost
 */
export interface QuorumRules {
  readonly quorum: number;
  readonly hysteresis: number;
}

/** `sum` is the sum of the weights of the alive real servers. */
export function hasQuorum(had: boolean, sum: number, { quorum, hysteresis }: QuorumRules): boolean {
  return had ? sum > 0 && sum >= quorum - hysteresis : sum >= quorum + hysteresis;
}
