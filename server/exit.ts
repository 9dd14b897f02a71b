/** Bad configuration: PM2 and systemd are told not to start again on it (EX_CONFIG of sysexits.h). */
export const EX_CONFIG = 78

/** A start that can't succeed until somebody changes something; each line tells what. */
export class CannotStart extends Error {
  constructor(readonly lines: readonly string[]) {
    super(lines.join('\n'))
    this.name = 'CannotStart'
  }
}
