import { isLoopbackHost } from '../../protocol/loopback.ts';
import { builtInScopes } from '../../protocol/scopes.ts';
import { checkTenantGateway } from '../gateway/tenant-gateway-rules.ts';
import type { PathFault } from '../parsing/fault.ts';
import { hint, reference, unique } from '../parsing/name-references.ts';
import { checkSources } from '../source/source-rules.ts';
import { checkAccounts } from './accounts-rules.ts';
import { checkAdministration } from './administration-schema.ts';
import { checkMachines } from './certificates-file.ts';
import { checkClient, isPublic } from './client-rules.ts';
import type { NamesInFile } from './names-in-file.ts';
import type { JudgedContent } from './partial-content.ts';
import { checkSecondFactor } from './second-factor-schema.ts';

/** The rules between the keys of a tenant's file. */
export const checkTenant = (judged: JudgedContent, names: NamesInFile): readonly PathFault[] => [
  ...checkPublicUrl(judged),
  ...checkClients(judged, names),
  ...checkResources(judged, names),
  ...checkSources(judged, names),
  ...checkUsers(judged),
  ...checkAccounts(judged),
  ...checkApiKeys(judged),
  ...checkAdministration(judged.content.administration, judged.content.registration),
  ...checkSecondFactor(judged.content.secondFactor, names.clients),
  ...checkMachines(judged.content.certificates),
  ...checkTenantGateway(judged, names.clients),
];

const checkApiKeys = ({ content: { apiKeys }, doubtful }: JudgedContent): readonly PathFault[] =>
  apiKeys.verification === 'mail' && apiKeys.own === undefined && !doubtful.has('apiKeys')
    ? [
        {
          path: ['apiKeys', 'verification'],
          message:
            'is mail, but nobody makes keys for themselves; write own: { services: […] } beside it, or remove it',
        },
      ]
    : [];

const checkPublicUrl = ({ content, doubtful }: JudgedContent): readonly PathFault[] => {
  if (content.publicUrl === undefined || doubtful.has('demo')) return [];
  const { protocol, hostname, host } = new URL(content.publicUrl);
  const isLoopback = isLoopbackHost(hostname);
  if (content.demo && !isLoopback)
    return [
      {
        path: ['publicUrl'],
        message:
          'is not a loopback address, but the tenant is a demo; write one, such as http://localhost:3000, or remove demo: true and its secrets',
      },
    ];
  if (protocol === 'https:' || isLoopback) return [];
  return [
    {
      path: ['publicUrl'],
      message: `is http and not a loopback address; write https://${host}, which is right too when a proxy in front does TLS`,
    },
  ];
};

const checkClients = (judged: JudgedContent, names: NamesInFile): readonly PathFault[] => {
  const { content, doubtful, fileIndexes } = judged;
  const tenant = {
    demo: content.demo,
    passwordGrant: content.grants.password,
    hasAuthorities: doubtful.has('certificates') ? undefined : content.certificates.ca !== undefined,
  };
  const scopes = [...builtInScopes, ...content.resources.flatMap(({ scopes: own }) => Object.keys(own))];
  // A resource that could not be read may have any scope.
  const knowsScopes = !doubtful.has('resources') && content.resources.length === names.resourceCount;
  const ids = content.clients.map(({ client_id }) => client_id);
  const faults = content.clients.flatMap((client, index): readonly PathFault[] =>
    [
      ...checkClient(client, tenant),
      ...unique(ids, index, 'client_id'),
      ...reference(['defaultResource'], client.defaultResource, names.resources),
      ...resourceForClient(judged, client),
      ...(client.scope?.split(' ') ?? [])
        .filter((scope) => knowsScopes && !scopes.includes(scope))
        .map((scope) => ({
          path: ['scope'],
          message: `holds ${scope}, which no resource has${hint(scope, scopes)}`,
        })),
    ].map(({ path, ...rest }) => ({
      ...rest,
      path: ['clients', fileIndexes.clients[index] ?? index, ...path],
    })),
  );
  const exemptions = content.pkceExemptions.flatMap((id, index): readonly PathFault[] => [
    ...reference(['pkceExemptions', index], id, names.clients),
    ...content.clients
      .filter((client) => client.client_id === id && isPublic(client))
      .map(() => ({
        path: ['pkceExemptions', index],
        message: 'names a public client, which PKCE alone protects; remove it',
      })),
  ]);
  return [
    ...faults,
    ...exemptions,
    ...reference(['defaultResource'], content.defaultResource, names.resources),
  ];
};

const resourceForClient = (
  { content: { resources, defaultResource }, doubtful }: JudgedContent,
  client: JudgedContent['content']['clients'][number],
): readonly PathFault[] => {
  const identifier = client.defaultResource;
  const resource = resources.find((one) => one.identifier === identifier);
  if (identifier === undefined || identifier === defaultResource || doubtful.has('defaultResource'))
    return [];
  if (resource?.clients === undefined || resource.clients.includes(client.client_id)) return [];
  return [
    {
      path: ['defaultResource'],
      message: `is a resource that this client may not ask for; add ${client.client_id} to the clients of the resource`,
    },
  ];
};

const checkResources = (
  { content, fileIndexes }: JudgedContent,
  names: NamesInFile,
): readonly PathFault[] => {
  const identifiers = content.resources.map(({ identifier }) => identifier);
  return content.resources.flatMap((resource, index): readonly PathFault[] => {
    const own: readonly PathFault[] = [
      ...unique(identifiers, index, 'identifier'),
      ...(['introspectedBy', 'clients'] as const).flatMap((key) =>
        (resource[key] ?? []).flatMap((id, place) => reference([key, place], id, names.clients)),
      ),
      ...resource.introspectedBy.flatMap((id, place) =>
        content.clients.some((client) => client.client_id === id && isPublic(client))
          ? [
              {
                path: ['introspectedBy', place],
                message:
                  'names a public client, which any program can impersonate; name a confidential client',
              },
            ]
          : [],
      ),
    ];
    return own.map((fault) => ({
      ...fault,
      path: ['resources', fileIndexes.resources[index] ?? index, ...fault.path],
    }));
  });
};

const checkUsers = ({ content, fileIndexes }: JudgedContent): readonly PathFault[] => {
  if (content.users.length > 0 && !content.demo)
    return [
      {
        path: ['users'],
        atKey: true,
        message:
          'are for demo tenants only; remove them and run: npx --no drawbridge user add <tenant> <name>',
      },
    ];
  // User names and e-mail addresses must differ from each other, because people may sign in by either.
  const owners = new Map<string, number>();
  return content.users.flatMap((user, index) => {
    const logins = [
      ['username', user.username],
      ...(user.email === undefined ? [] : [['email', user.email]]),
    ];
    return logins.flatMap(([key = '', login = '']): readonly PathFault[] => {
      const owner = owners.get(login);
      owners.set(login, owner ?? index);
      return owner === undefined || owner === index
        ? []
        : [
            {
              path: ['users', fileIndexes.users[index] ?? index, key],
              message: 'was given to a user above; choose another',
            },
          ];
    });
  });
};
