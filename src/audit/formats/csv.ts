import { type AuditEntry, auditFields, fieldsOf } from './audit-fields.ts';

/** What a spreadsheet takes for a formula, also in its wide forms and behind blanks. */
const formula = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/u;

const toCell = (text: string): string =>
  `"${(formula.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

const toRow = (cells: readonly string[]): string => `${cells.map(toCell).join(',')}\r`;

export const csvHead = toRow(auditFields);

/** RFC 4180, each cell in quotes; the line feed follows. An apostrophe is put before what would be a formula. */
export const toCsvLine = (entry: AuditEntry): string => {
  const fields = fieldsOf(entry);
  return toRow(auditFields.map((name) => fields[name] ?? ''));
};
