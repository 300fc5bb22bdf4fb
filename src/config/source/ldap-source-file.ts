import { definedOnly } from '../../defined-only.ts';
import type { LdapSourceFile } from './ldap-source-schema.ts';
import { splitDn } from './ldap-syntax.ts';
import type { LdapGroups, LdapSource, OwnOf } from './source-definition.ts';
import { loadSecret, loadTls, type SourceContext } from './source-secrets.ts';

/** The members of a source that only a directory has. */
export const loadLdap = (file: LdapSourceFile, context: SourceContext): OwnOf<LdapSource> => {
  const isActiveDirectory = file.kind === 'active-directory';
  const base = file.search.base ?? baseOfTemplate(file) ?? '';
  return {
    type: 'ldap',
    kind: file.kind,
    urls: file.urls ?? [file.url ?? ''],
    startTls: file.startTls,
    insecure: file.insecure,
    tls: loadTls(file.tls, context),
    bind: loadBind(file.bind, context),
    search: {
      base,
      scope: file.search.scope,
      filter: file.search.filter ?? (isActiveDirectory ? activeDirectoryFilter : openLdapFilter),
      ...(isActiveDirectory && file.search.filter === undefined ? { isMailTried: true } : {}),
    },
    subjectAttribute: file.subjectAttribute ?? (isActiveDirectory ? 'objectGUID' : 'entryUUID'),
    usernameAttribute: file.usernameAttribute ?? (isActiveDirectory ? 'sAMAccountName' : 'uid'),
    ...definedOnly({ netbiosName: file.netbiosName }),
    attributes: file.attributes,
    groups: toGroups(file, base),
    connectTimeoutMs: file.timeouts.connect,
    operationTimeoutMs: file.timeouts.operation,
    poolSize: file.pool.size,
    passwordChange: file.passwordChange,
  };
};

const openLdapFilter = '(&(objectClass=person)(|(uid={username})(mail={username})))';
const activeDirectoryFilter =
  '(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={username})(userPrincipalName={username})))';

/** The parent of the entry that a template names, when it is the same for all people. */
export const baseOfTemplate = ({ bind }: Pick<LdapSourceFile, 'bind'>): string | undefined => {
  if (bind === 'anonymous' || !('template' in bind)) return undefined;
  const above = (splitDn(bind.template) ?? []).slice(1).join(',');
  return above === '' || above.includes('{username}') ? undefined : above;
};

const loadBind = (bind: LdapSourceFile['bind'], context: SourceContext): LdapSource['bind'] => {
  if (bind === 'anonymous') return { as: 'anonymous' };
  if ('template' in bind) return { as: 'person', dnTemplate: bind.template };
  const password = loadSecret(bind.password, ['bind', 'password'], context);
  return { as: 'service', dn: bind.dn, password: password ?? '' };
};

const toGroups = (file: LdapSourceFile, peopleBase: string): LdapGroups => {
  const { groups } = file;
  if (groups === 'off')
    return { from: 'off', base: peopleBase, filter: '', nameAttribute: 'cn', nested: 'off', depth: 0 };
  return {
    from: groups.from,
    base: groups.base ?? (areGroupsSearched(groups) ? domainOf(peopleBase) : undefined) ?? peopleBase,
    filter: groups.filter ?? '',
    nameAttribute: groups.nameAttribute,
    nested: groups.nested,
    depth: groups.depth ?? 5,
  };
};

/** Not where the entry of a person names all groups that count. */
export const areGroupsSearched = ({
  from,
  nested,
  nameAttribute,
}: Exclude<LdapSourceFile['groups'], 'off'>): boolean =>
  from !== 'memberOf' || nested !== 'off' || nameAttribute.toLowerCase() !== 'cn';

/**
 * The entry above people and groups alike: groups are seldom below the people. Undefined when the name of the base does
 * not show it.
 */
export const domainOf = (base: string): string | undefined => {
  const parts = splitDn(base) ?? [];
  const isDomain = (part: string): boolean => /^\s*dc\s*=/i.test(part);
  const domain = parts.slice(parts.findLastIndex((part) => !isDomain(part)) + 1);
  if (domain.length > 0) return domain.join(',').trim();
  return parts.length === 1 ? base : undefined;
};
