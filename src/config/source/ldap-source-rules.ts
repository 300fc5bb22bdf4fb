import type { PathFault } from '../parsing/fault.ts';
import { areGroupsSearched, baseOfTemplate, domainOf } from './ldap-source-file.ts';
import type { LdapSourceFile } from './ldap-source-schema.ts';

/** The rules between the keys of a directory. Paths begin at the source. */
export const checkLdapSource = (source: LdapSourceFile): readonly PathFault[] => [
  ...checkConnection(source),
  ...checkPeople(source),
  ...checkGroups(source),
];

const checkConnection = (source: LdapSourceFile): readonly PathFault[] => {
  const { url, urls, startTls, insecure, tls } = source;
  if (url !== undefined && urls !== undefined)
    return [{ path: ['url'], atKey: true, message: 'does not go with urls; write all of them there' }];
  if (url === undefined && urls === undefined)
    return [{ path: ['url'], message: 'is missing; write one such as ldaps://ldap.example.com:636' }];
  const faults: PathFault[] = [];
  const places = (urls ?? [url ?? '']).map((address, index) => ({
    path: urls === undefined ? ['url'] : ['urls', index],
    isPlain: address.startsWith('ldap://'),
  }));
  for (const { path, isPlain } of places) {
    if (isPlain && !startTls && !insecure)
      faults.push({
        path,
        message:
          'is not encrypted, and passwords of people go over it; write ldaps://…, or startTls: true (only in a network that is safe: insecure: true)',
      });
    if (!isPlain && startTls)
      faults.push({ path, message: 'is TLS already; write ldap://… with startTls, or remove startTls' });
  }
  if (insecure && (startTls || !places.some(({ isPlain }) => isPlain)))
    faults.push({
      path: ['insecure'],
      atKey: true,
      message: 'is of no use with an encrypted connection; remove it',
    });
  if (insecure && !startTls && places.every(({ isPlain }) => isPlain) && Object.keys(tls).length > 0)
    faults.push({ path: ['tls'], atKey: true, message: 'is of no use without TLS; remove it, or insecure' });
  return faults;
};

const checkPeople = (source: LdapSourceFile): readonly PathFault[] => {
  const { kind, search, passwordChange, startTls, insecure } = source;
  const faults: PathFault[] = [];
  if (search.base === undefined && baseOfTemplate(source) === undefined)
    faults.push({
      path: ['search', 'base'],
      message: 'is missing; write below which entry people are, such as ou=people,dc=example,dc=org',
    });
  if (kind !== 'active-directory') {
    if (source.netbiosName !== undefined)
      faults.push({
        path: ['netbiosName'],
        atKey: true,
        message: 'is of no use without kind: active-directory; remove it',
      });
    return faults;
  }
  if (passwordChange === 'rfc3062')
    faults.push({ path: ['passwordChange'], message: 'is not known to Active Directory; write modify' });
  if (passwordChange === 'modify' && insecure && !startTls)
    faults.push({
      path: ['passwordChange'],
      message: 'needs TLS at Active Directory; write ldaps://… in url, or off here',
    });
  return faults;
};

const checkGroups = (source: LdapSourceFile): readonly PathFault[] => {
  const { kind, groups } = source;
  if (groups === 'off') return [];
  const { from, nested, depth } = groups;
  const faults: PathFault[] = [];
  const peopleBase = source.search.base ?? baseOfTemplate(source);
  const isKnown = groups.base !== undefined || peopleBase === undefined || domainOf(peopleBase) !== undefined;
  if (!isKnown && areGroupsSearched(groups))
    faults.push({
      path: ['groups', 'base'],
      message: 'is missing; write below which entry groups are, such as ou=groups,o=example',
    });
  if (nested === 'in-chain' && kind !== 'active-directory')
    faults.push({ path: ['groups', 'nested'], message: 'is known to Active Directory alone; write expand' });
  if (nested !== 'off' && from === 'memberUid')
    faults.push({
      path: ['groups', 'nested'],
      message: 'does not go with memberUid, which lists people only; remove it',
    });
  if (depth !== undefined && nested !== 'expand')
    faults.push({
      path: ['groups', 'depth'],
      atKey: true,
      message: 'is of no use without nested: expand; remove it',
    });
  return faults;
};
