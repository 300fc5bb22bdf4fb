import type { Filter } from 'ldapts';
import type { LdapSource } from '../../config/source/source-definition.ts';
import { guidBytes, guidText } from './binary-values.ts';
import type { LdapEntry } from './entry.ts';
import { equals } from './filters.ts';
import { misconfigured } from './unreachable.ts';

type SubjectSettings = Pick<LdapSource, 'id' | 'subjectAttribute'>;

const isGuid = (attribute: string): boolean => attribute.toLowerCase() === 'objectguid';

/** Attributes to be read as bytes, in the spelling of the directory and in that of the file. */
export const binarySubject = ({ subjectAttribute }: SubjectSettings): readonly string[] =>
  isGuid(subjectAttribute) ? ['objectGUID', subjectAttribute] : [];

/**
 * The one value that is never given to another person. A directory that does not reveal it cannot be used: a name in
 * its place would one day belong to another person.
 * @throws AppError `unavailable`
 */
export const subjectOf = (entry: LdapEntry, { id, subjectAttribute }: SubjectSettings): string => {
  const values = isGuid(subjectAttribute)
    ? entry.bytes(subjectAttribute).map(guidText)
    : entry.texts(subjectAttribute).map((text) => text.trim());
  const [subject] = values;
  if (values.length === 1 && subject !== undefined && subject !== '') return subject;
  throw misconfigured({
    reason: `${subjectAttribute} cannot be read`,
    detail:
      `source ${id}: the attribute ${subjectAttribute} of ${entry.dn} has ${values.length} values that can be read; ` +
      'it needs one, and the account that searches needs the right to read it',
  });
};

/** Undefined for a subject that this source cannot have given. */
export const hasSubject = ({ subjectAttribute }: SubjectSettings, subject: string): Filter | undefined => {
  const value = isGuid(subjectAttribute) ? guidBytes(subject) : subject;
  return value === undefined || value.length === 0 ? undefined : equals(subjectAttribute, value);
};
