import { definedOnly } from '../../defined-only.ts';
import type { ArtifactKind } from '../artifact-kind.ts';
import type { Artifact, Phase } from '../storage.ts';
import type { Value } from './driver.ts';

export interface ArtifactRow {
  readonly kind: ArtifactKind;
  readonly id: string;
  readonly payload: string;
  readonly expires_at: number;
  readonly grant_id: string | null;
  readonly session_uid: string | null;
  readonly account_id: string | null;
  readonly user_code: string | null;
  readonly phase: Phase | null;
  readonly authorizations: string | null;
  readonly signed_in_at: number | null;
  readonly consumed_at: number | null;
  readonly polled_at: number | null;
  readonly poll_interval: number | null;
}

export const artifactColumns =
  'kind, id, payload, expires_at, grant_id, session_uid, account_id, user_code, phase, authorizations, ' +
  'signed_in_at, consumed_at, polled_at, poll_interval';

export const toArtifact = (row: ArtifactRow): Artifact => ({
  kind: row.kind,
  id: row.id,
  payload: row.payload,
  expiresAt: row.expires_at,
  ...definedOnly({
    grantId: row.grant_id ?? undefined,
    sessionUid: row.session_uid ?? undefined,
    accountId: row.account_id ?? undefined,
    userCode: row.user_code ?? undefined,
    phase: row.phase ?? undefined,
  }),
  ...(row.authorizations === null ? {} : { authorizations: JSON.parse(row.authorizations) }),
  ...definedOnly({ signedInAt: row.signed_in_at ?? undefined, consumedAt: row.consumed_at ?? undefined }),
});

/** In the order of `insertColumns`, after the tenant. */
export const toValues = (artifact: Artifact): Value[] => [
  artifact.kind,
  artifact.id,
  artifact.payload,
  artifact.expiresAt,
  artifact.grantId ?? null,
  artifact.sessionUid ?? null,
  artifact.accountId ?? null,
  artifact.userCode ?? null,
  artifact.phase ?? null,
  artifact.authorizations === undefined ? null : JSON.stringify(artifact.authorizations),
  artifact.signedInAt ?? null,
];

export const insertColumns =
  'tenant, kind, id, payload, expires_at, grant_id, session_uid, account_id, user_code, phase, authorizations, ' +
  'signed_in_at';
