import { definedOnly } from '../../defined-only.ts';
import type { ArtifactKind } from '../artifact-kind.ts';
import type { Artifact, Phase } from '../storage.ts';
import type { ArtifactDocument } from './documents.ts';

export const artifactKey = (tenant: string, kind: ArtifactKind, id: string): string =>
  `${tenant}|${kind}|${id}`;

export const keyOf = (tenant: string, { kind, id }: Artifact): string => artifactKey(tenant, kind, id);

const revocable: ReadonlySet<ArtifactKind> = new Set([
  'AccessToken',
  'RefreshToken',
  'AuthorizationCode',
  'DeviceCode',
]);

/** Client ids may be URLs; names of fields hold neither `.` nor a leading `$`, and are not empty. */
export const fieldOf = (clientId: string): string =>
  `c${encodeURIComponent(clientId).replaceAll('.', '%2E')}`;

const clientOf = (field: string): string => decodeURIComponent(field.slice(1));

export const fieldsOf = (authorizations: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(authorizations).map(([clientId, value]) => [fieldOf(clientId), value]));

const linksOf = (tenant: string, { grantId, sessionUid }: Artifact): readonly string[] => {
  const links: string[] = [];
  if (grantId !== undefined) links.push(artifactKey(tenant, 'Grant', grantId));
  if (sessionUid !== undefined) links.push(artifactKey(tenant, 'Session', sessionUid));
  return links;
};

/** Everything but `_id`. */
export const toDocument = (tenant: string, artifact: Artifact): Omit<ArtifactDocument, '_id'> => {
  const links = linksOf(tenant, artifact);
  return {
    tenant,
    kind: artifact.kind,
    payload: artifact.payload,
    expiresAt: new Date(artifact.expiresAt * 1000),
    ...(links.length === 0 ? {} : { links }),
    ...(artifact.accountId === undefined ? {} : { account: `${tenant}|${artifact.accountId}` }),
    ...(artifact.grantId !== undefined && revocable.has(artifact.kind) ? { grantId: artifact.grantId } : {}),
    ...definedOnly({ userCode: artifact.userCode, phase: artifact.phase, signedInAt: artifact.signedInAt }),
    ...(artifact.authorizations === undefined ? {} : { authorizations: fieldsOf(artifact.authorizations) }),
  };
};

const linkedId = (document: ArtifactDocument, kind: 'Grant' | 'Session'): string | undefined => {
  const prefix = artifactKey(document.tenant, kind, '');
  return document.links?.find((link) => link.startsWith(prefix))?.slice(prefix.length);
};

export const toArtifact = (document: ArtifactDocument): Artifact => {
  const kind = document.kind as ArtifactKind; // written by `toDocument` only
  const { account, userCode, phase, authorizations, signedInAt, consumedAt } = document;
  const grantId = linkedId(document, 'Grant');
  const sessionUid = linkedId(document, 'Session');
  return {
    kind,
    id: document._id.slice(artifactKey(document.tenant, kind, '').length),
    payload: document.payload,
    expiresAt: document.expiresAt.getTime() / 1000,
    ...definedOnly({ grantId, sessionUid }),
    ...(account === undefined ? {} : { accountId: account.slice(document.tenant.length + 1) }),
    ...definedOnly({ userCode }),
    ...(phase === undefined ? {} : { phase: phase as Phase }), // written by `toDocument` only
    ...(authorizations === undefined
      ? {}
      : {
          authorizations: Object.fromEntries(
            Object.entries(authorizations).map(([field, value]) => [clientOf(field), value]),
          ),
        }),
    ...definedOnly({ signedInAt, consumedAt }),
  };
};
