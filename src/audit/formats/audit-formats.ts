import type { AuditEntry } from './audit-fields.ts';
import { toCefLine } from './cef.ts';
import { csvHead, toCsvLine } from './csv.ts';
import { toJsonLine } from './json-lines.ts';

export interface AuditFormat {
  /** The first line, where there is one for all. */
  readonly head?: string;
  /** @returns one line, without its line feed */
  readonly toLine: (entry: AuditEntry) => string;
}

export const auditFormatNames = ['json', 'csv', 'cef'] as const;

export type AuditFormatName = (typeof auditFormatNames)[number];

/** @param version of Drawbridge */
export const auditFormats = (version: string): Readonly<Record<AuditFormatName, AuditFormat>> => ({
  json: { toLine: toJsonLine },
  csv: { head: csvHead, toLine: toCsvLine },
  cef: { toLine: (entry) => toCefLine(entry, version) },
});
