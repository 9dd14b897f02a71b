/** Bad configuration: PM2 and systemd are told not to start again on it (EX_CONFIG of sysexits.h). */
export const EX_CONFIG = 78

/** What may pass by itself, such as a Redis that starts later: they are to start again (EX_TEMPFAIL). */
export const EX_TEMPFAIL = 75

/** A start that can't succeed until somebody changes something; each line tells what. */
export class CannotStart extends Error {
  constructor(
    readonly lines: readonly string[],
    readonly code: typeof EX_CONFIG | typeof EX_TEMPFAIL = EX_CONFIG,
  ) {
    super(lines.join('\n'))
    this.name = 'CannotStart'
  }
}
