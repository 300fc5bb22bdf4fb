import { type AuditEntry, auditFields, fieldsOf } from './audit-fields.ts';

/** One object of texts, `seq` of a number, without members that are absent. */
export const toJsonLine = (entry: AuditEntry): string => {
  const fields = fieldsOf(entry);
  const present = auditFields.filter((name) => fields[name] !== undefined);
  return JSON.stringify(
    Object.fromEntries(present.map((name) => [name, name === 'seq' ? entry.seq : fields[name]])),
  );
};
