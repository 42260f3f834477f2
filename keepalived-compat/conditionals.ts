/**
 * Conditional lines: `@ID rest` is read only when ID is the configuration id, `@^ID rest` only when it is not
 * (keepalived.conf(5), "Conditional configuration"; ipvigild -i).
 */

/** Whether the rest of the line is read. `condition` is the text after the `@`. */
export function conditionHolds(condition: string, configId: string): boolean {
  return condition.startsWith('^') ? condition.slice(1) !== configId : condition === configId;
}
