// In a terminal of 80 columns `pm2 monit` hides a value when its name and it have more than 14 letters together,
// and "Connections", "Budget left" and "Refused/min" have eleven.

/** A count in three letters, rounded down: 999, 12k. */
export const countInThree = (n: number): string => (n < 1000 ? String(n) : `${Math.min(99, Math.floor(n / 1000))}k`)

/** An amount in three letters, rounded down: .94, 1.0, 20, 2k. */
export function amountInThree(amount: number): string {
  if (amount < 1) return floored(amount, 2).slice(1)
  return amount < 10 ? floored(amount, 1) : countInThree(Math.floor(amount))
}

function floored(amount: number, digits: number): string {
  const unit = 10 ** digits
  // 0.94 is a little less in binary.
  return (Math.floor(Math.max(0, amount) * unit + 1e-6) / unit).toFixed(digits)
}
