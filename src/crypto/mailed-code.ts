import { randomInt } from 'node:crypto';

const digits = 8;

/** A one-time code that a mail brings: eight digits. It has too few bits to be hashed without a key. */
export const newMailedCode = (): string => `${randomInt(10 ** digits)}`.padStart(digits, '0');

/** A code as it is, whatever spaces and hyphens people type between its characters. */
export const withoutSeparators = (typed: string): string => typed.replace(/[\s-]/g, '');
