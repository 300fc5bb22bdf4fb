import type { CurrentRequest } from '../current-request.ts';
import type { AuditRecord } from '../storage/storage-records.ts';

/**
 * Who acted. `operator`: somebody with a right over the tenant; `server`: Drawbridge of its own accord; `source`: a directory or
 * provider of people; `unproven`: somebody who has proven nothing.
 */
export const actorKinds = [
  'person',
  'system_user',
  'client',
  'operator',
  'source',
  'server',
  'unproven',
] as const;

export type ActorKind = (typeof actorKinds)[number];

/** What is done after a source was asked about the person; the actor is its id. */
export const actionsOfSources: ReadonlySet<string> = new Set([
  'account.source_gone',
  'account.source_locked',
]);

/** The actor of a failure is what was typed, which may be a `sub`. */
export const actionsOfTypedNames: ReadonlySet<string> = new Set([
  'recovery.begin',
  'registration.begin',
  'sign_in.basic',
  'sign_in.direct_login',
  'sign_in.page',
  'sign_in.password_grant',
]);

/** @param request who calls, where that is a system user, or somebody with an administrative role */
export const actorKindOf = (
  { action, actor, outcome }: Pick<AuditRecord, 'action' | 'actor' | 'outcome'>,
  { systemUser, operator }: Pick<CurrentRequest, 'systemUser' | 'operator'> = {},
): ActorKind => {
  if (actor === 'unknown' || (outcome === 'failure' && actionsOfTypedNames.has(action))) return 'unproven';
  if (actor === 'cli' || actor === operator) return 'operator';
  if (actor === 'drawbridge') return 'server';
  if (actionsOfSources.has(action)) return 'source';
  if (action === 'registration.begin') return 'unproven';
  return actor === systemUser ? 'system_user' : 'person';
};
