/** Every diagnostic's code, with the line that `docs/diagnostics.md` shows. The list is closed. */
export const diagnosticCodes = {
  'file-unreadable': 'The configuration file cannot be read.',
} as const;

export type DiagnosticCode = keyof typeof diagnosticCodes;
