import { type AuditEntry, auditFields, fieldsOf } from './audit-fields.ts';

/** What a spreadsheet takes for a formula, also in its wide forms and behind blanks. */
const formula = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]/u;

/** The same where a spreadsheet, by its language, begins a cell at a semicolon or tab, also within quotes that it does not see then. */
const laterFormula = /(?<=[;\t])(?=["\s]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/gu;

const toCell = (text: string): string => {
  const harmless = text.replaceAll(laterFormula, "'");
  return `"${(formula.test(text) ? `'${harmless}` : harmless).replaceAll('"', '""')}"`;
};

const toRow = (cells: readonly string[]): string => `${cells.map(toCell).join(',')}\r`;

export const csvHead = toRow(auditFields);

/** RFC 4180, each cell in quotes; the line feed follows. An apostrophe is put before each formula. */
export const toCsvLine = (entry: AuditEntry): string => {
  const fields = fieldsOf(entry);
  return toRow(auditFields.map((name) => fields[name] ?? ''));
};
