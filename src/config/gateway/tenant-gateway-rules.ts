import { deviceCodeGrant } from '../../protocol/grant-types.ts';
import type { PathFault } from '../parsing/fault.ts';
import { reference, unique } from '../parsing/name-references.ts';
import type { JudgedContent } from '../tenant/partial-content.ts';
import { checkAccessRules } from './access-rule-checks.ts';
import type { TrustedGatewayFile } from './tenant-gateway-schema.ts';

/** The rules of a tenant's `gateway`. Paths begin at the file. */
export const checkTenantGateway = (
  { content }: JudgedContent,
  clients: ReadonlySet<string> | undefined,
): readonly PathFault[] => {
  const { deviceClient, services, trustedGateways } = content.gateway;
  const ids = trustedGateways.map(({ id }) => id);
  return [
    ...reference(['deviceClient'], deviceClient, clients),
    ...content.clients
      .filter(
        ({ client_id, grant_types }) => client_id === deviceClient && !grant_types.includes(deviceCodeGrant),
      )
      .map(() => ({
        path: ['deviceClient'],
        message: `names a client without the device grant; add ${deviceCodeGrant} to its grant_types, or name another`,
      })),
    ...content.clients
      .filter(
        ({ client_id, grant_types, token_endpoint_auth_method: method }) =>
          client_id === deviceClient && grant_types.includes(deviceCodeGrant) && method !== 'none',
      )
      .map(() => ({
        path: ['deviceClient'],
        message:
          'names a client that has to prove itself, which devices cannot; name one with token_endpoint_auth_method: none',
      })),
    ...Object.entries(services).flatMap(([name, { rules }]) =>
      [
        ...checkAccessRules(rules),
        ...rules.flatMap((rule, index) =>
          rule.tenants === undefined
            ? []
            : [
                {
                  path: [index, 'tenants'],
                  atKey: true,
                  message: "is of no use in a tenant's own file, whose rules are for its people; remove it",
                },
              ],
        ),
      ].map((fault) => ({ ...fault, path: ['services', name, 'rules', ...fault.path] })),
    ),
    ...trustedGateways.flatMap((gateway, index) =>
      [...unique(ids, index, 'id'), ...checkTrustedGateway(gateway)].map((fault) => ({
        ...fault,
        path: ['trustedGateways', index, ...fault.path],
      })),
    ),
  ].map((fault) => ({ ...fault, path: ['gateway', ...fault.path] }));
};

const checkTrustedGateway = ({ proof, user }: TrustedGatewayFile): readonly PathFault[] => {
  if (user.type === 'claim')
    return proof.type === 'assertion'
      ? []
      : [
          {
            path: ['user', 'type'],
            message: `is claim, but there is no assertion to hold one; write proof: type: assertion, or type: header or subscription here`,
          },
        ];
  if (proof.type === 'certificate' || proof.header !== user.header) return [];
  return [{ path: ['user', 'header'], message: 'is the header of the proof already; name one for the user' }];
};
