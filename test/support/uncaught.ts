/** Collects what would end the process, while a test is about exactly that. Mocha's own listeners rest meanwhile. */
export function collectUncaught(): { readonly faults: unknown[]; restore(): void } {
  const faults: unknown[] = [];
  const listeners = process.listeners('uncaughtException');
  const collect = (fault: unknown): void => {
    faults.push(fault);
  };
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', collect);
  return {
    faults,
    restore: () => {
      process.off('uncaughtException', collect);
      for (const listener of listeners) process.on('uncaughtException', listener);
    },
  };
}
