// What a key is good for: its own limits, and those of its owner at the time of use.
import type { ApiKeyRules } from '../../config/tenant/tenant-definition.ts';
import { isAddressBlock } from '../../protocol/address-blocks.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import type { ApiKeyRecord } from '../../storage/storage-api-keys.ts';
import { readPlainText } from '../plain-text.ts';

/** Absent: as its owner. */
export type KeyLimits = Pick<ApiKeyRecord, 'roles' | 'scopes' | 'services' | 'resources' | 'networks'>;

const mostEntries = 50;
const longestNote = 200;

/** What is wrong with them, for whoever asks for the key; undefined: nothing. */
export const faultOfLimits = (limits: KeyLimits, owner: Pick<AccountRecord, 'roles'>): string | undefined => {
  const { roles = [], networks = [] } = limits;
  const long = Object.entries(limits).find(([, entries]) => entries.length > mostEntries);
  if (long !== undefined) return `There are more than ${mostEntries} ${long[0]}.`;
  const foreign = roles.find((role) => !owner.roles.includes(role));
  if (foreign !== undefined) return `The owner has no role ${foreign}; a key has no more than its owner.`;
  const block = networks.find((network) => !isAddressBlock(network));
  return block === undefined
    ? undefined
    : `${block} is no network; write an address such as 10.0.0.5, or a block such as 10.0.0.0/8.`;
};

/** A key that its owner has made opens a service as long as the tenant allows such keys for it. */
export const withinTenant = (
  key: ApiKeyRecord,
  { ownServices }: Pick<ApiKeyRules, 'ownServices'>,
): ApiKeyRecord =>
  key.isOwn === true
    ? { ...key, services: (key.services ?? []).filter((service) => ownServices.includes(service)) }
    : key;

/** Undefined: it is no plain text, or too long. */
export const readNote = (note: string): string | undefined => readPlainText(note, longestNote);

/** A role that the owner has lost is lost to the key. A key with roles of its own has no groups: no limit names them. */
export const grantedBy = (
  { roles }: Pick<ApiKeyRecord, 'roles'>,
  owner: Pick<AccountRecord, 'roles' | 'groups'>,
): Pick<AccountRecord, 'roles' | 'groups'> =>
  roles === undefined
    ? { roles: owner.roles, groups: owner.groups }
    : { roles: roles.filter((role) => owner.roles.includes(role)), groups: [] };
