import type { Artifact, ArtifactWrite } from './storage.ts';

/** So many ids of one session are good at the same time. */
export const sessionIdLimit = 4;

/** A removal that must leave the session of `sparedUid` alone, because the batch goes on to write it. */
export type PlannedWrite = ArtifactWrite & { readonly sparedUid?: string };

const writtenSession = (write: ArtifactWrite): Artifact | undefined =>
  write.op === 'mergeSession' || (write.op === 'put' && write.artifact.kind === 'Session')
    ? write.artifact
    : undefined;

/**
 * Renewing a session's id arrives as "remove the old id, write the session under the new one". Taken literally the
 * removal would drop what a parallel request has just merged in, so it takes away the id alone.
 */
export const planSessionRemovals = (writes: readonly ArtifactWrite[]): readonly PlannedWrite[] =>
  writes.map((write, index) => {
    if (write.op !== 'remove' || write.kind !== 'Session') return write;
    const session = writes
      .slice(index + 1)
      .map(writtenSession)
      .find((found) => found !== undefined);
    return session === undefined ? write : { ...write, sparedUid: session.uid ?? session.id };
  });
