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
    },
    subjectAttribute: file.subjectAttribute ?? (isActiveDirectory ? 'objectGUID' : 'entryUUID'),
    usernameAttribute: file.usernameAttribute ?? (isActiveDirectory ? 'sAMAccountName' : 'uid'),
    attributes: file.attributes,
    groups: toGroups(file.groups, base),
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

const toGroups = (groups: LdapSourceFile['groups'], peopleBase: string): LdapGroups => {
  if (groups === 'off')
    return { from: 'off', base: peopleBase, filter: '', nameAttribute: 'cn', nested: 'off', depth: 0 };
  return {
    from: groups.from,
    base: groups.base ?? peopleBase,
    filter: groups.filter ?? '',
    nameAttribute: groups.nameAttribute,
    nested: groups.nested,
    depth: groups.depth ?? 5,
  };
};
