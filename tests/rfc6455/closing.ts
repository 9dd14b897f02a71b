import { frame, opcodes } from '../helpers/raw-socket.ts'
import { type Case, close, hex, numbered, one, ping, rest, text } from './case.ts'

const HELLO = 'Hello World!'

const behaviour: Case[] = [
  one('7.1.1', 'text, then close', 'heard, close 1000', () => [text(HELLO), close(1000)]),
  one('7.1.2', 'close twice', 'close 1000', () => [close(1000), close()]),
  one('7.1.3', 'ping after close', 'close 1000', () => [close(1000), ping()]),
  one('7.1.4', 'text after close', 'close 1000', () => [close(1000), text(HELLO)]),
  one('7.1.5', 'close between two fragments', 'close 1000', () => [text('one', false), close(1000), rest('two')]),
  one('7.1.6', '256 KB (over our bound), text, close, ping', 'close 1009', () => [
    text('x'.repeat(256 * 1024)),
    text(HELLO),
    close(1000),
    ping(),
  ]),
  one('7.3.1', 'close without a code', 'close 1005', () => [close()]),
  one('7.3.2', 'close with one octet', 'close 1002', () => [frame(opcodes.close, 'a')]),
  one('7.3.3', 'close with a code', 'close 1000', () => [close(1000)]),
  one('7.3.4', 'close with code and reason', 'close 1000', () => [close(1000, HELLO)]),
  one('7.3.5', 'close with the longest reason', 'close 1000', () => [close(1000, '*'.repeat(123))]),
  one('7.3.6', 'close with a reason too long', 'close 1002', () => [close(1000, '*'.repeat(124))]),
  one('7.5.1', 'close with a reason that is no UTF-8', 'close 1007', () => [
    close(1000, hex('ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64 69 74 65 64')),
  ]),
]

const VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
const INVALID = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]

export const closing: readonly Case[] = [
  ...behaviour,
  ...numbered('7.7', VALID, (code) => [`close ${code}`, `close ${code}`, () => [close(code)]]),
  ...numbered('7.9', INVALID, (code) => [`close ${code}, which never travels`, 'close 1002', () => [close(code)]]),
  ...numbered('7.13', [5000, 65_535], (code) => [`close ${code}, of no range`, 'close 1002', () => [close(code)]]),
]
