import { isIP } from 'node:net';
import { relyingPartyOf } from '../../accounts/factors/passkey-ceremonies.ts';
import type { FactorMethod } from '../../config/tenant/tenant-definition.ts';
import type { AccountRecords } from '../../storage/storage.ts';
import { count } from '../count.ts';
import { eachAccount } from '../each-account.ts';
import { type Finding, ok, warning } from './finding.ts';

/** Do the stored passkeys belong to the host at which the tenant is now? */
export const checkPasskeys = async (
  about: string,
  { accounts, issuer }: { readonly accounts: Pick<AccountRecords, 'list'>; readonly issuer: string },
): Promise<readonly Finding[]> => {
  const host = relyingPartyOf(issuer);
  const others = new Set<string>();
  let all = 0;
  let lost = 0;
  for await (const { factors = [] } of eachAccount(accounts)) {
    for (const factor of factors) {
      if (factor.type !== 'passkey') continue;
      all++;
      if (factor.rpId === host) continue;
      lost++;
      others.add(factor.rpId);
    }
  }
  if (all === 0) return [];
  if (lost === 0) return [ok(about, count(all, 'passkey'))];
  return [
    warning(
      about,
      `${lost} of ${count(all, 'passkey')} ${lost === 1 ? 'does' : 'do'} not work: made for ${[...others].join(', ')}, but publicUrl has the host ${host}. Set publicUrl back, or let these users sign in with another factor or a recovery code and set up a new passkey.`,
    ),
  ];
};

/** Browsers have passkeys at host names with https alone (WebAuthn Level 3 section 5.1.2, Secure Contexts). */
export const checkPasskeyHost = (
  about: string,
  { methods, issuer }: { readonly methods: readonly FactorMethod[]; readonly issuer: string },
): readonly Finding[] => {
  const { protocol, hostname } = new URL(issuer);
  const isLocal = /^(?:.*\.)?localhost$/.test(hostname);
  const isPossible = isIP(hostname.replace(/^\[|\]$/g, '')) === 0 && (protocol === 'https:' || isLocal);
  return isPossible || methods.length !== 1 || methods[0] !== 'passkey'
    ? []
    : [
        warning(
          about,
          `Nobody can set up a second factor: secondFactor.methods names passkeys alone, and these need a publicUrl with https and a host name, not ${issuer}.`,
        ),
      ];
};
