import type { mongo } from 'mongoose';
import type { AccountPatch, AccountRecord } from '../storage.ts';
import type { AccountDocument } from './documents.ts';

export type AccountView = AccountDocument;

export const toAccount = ({ _id, tenant, claims, logins, ...record }: AccountDocument): AccountRecord => ({
  ...record,
  logins: logins ?? [],
  claims: JSON.parse(claims),
});

export const toDocument = (
  tenant: string,
  { claims, logins, identityKeys = [], ...record }: AccountRecord,
): AccountDocument => ({
  ...record,
  _id: `${tenant}|${record.sub}`,
  tenant,
  claims: JSON.stringify(claims),
  ...(logins.length === 0 ? {} : { logins: [...new Set(logins)] }),
  ...(identityKeys.length === 0 ? {} : { identityKeys: [...new Set(identityKeys)] }),
});

/** A unique index must contain no empty arrays and no value twice in one document. */
const uniqueLists: ReadonlySet<string> = new Set(['logins', 'identityKeys']);

type Changes = { readonly [K in keyof AccountPatch]: AccountPatch[K] | undefined };

/** An update that sets the fields with a value and removes those without. */
export const toUpdate = (changes: Changes): mongo.UpdateFilter<AccountDocument> => {
  const entries = Object.entries(changes).filter(([name]) => !['sub', 'createdAt', 'version'].includes(name));
  const isRemoval = ([name, value]: readonly [string, unknown]): boolean =>
    value === undefined || (uniqueLists.has(name) && (value as readonly string[]).length === 0);
  const stored = ([name, value]: readonly [string, unknown]): [string, unknown] => {
    if (name === 'claims') return [name, JSON.stringify(value)];
    if (uniqueLists.has(name)) return [name, [...new Set(value as readonly string[])]];
    return [name, value];
  };
  return {
    $set: Object.fromEntries(entries.filter((entry) => !isRemoval(entry)).map(stored)),
    $unset: Object.fromEntries(entries.filter(isRemoval).map(([name]) => [name, ''])),
    $inc: { version: 1 },
  } as mongo.UpdateFilter<AccountDocument>; // names and values are those of a patch
};
