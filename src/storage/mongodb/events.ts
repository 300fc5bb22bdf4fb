import { randomUUID } from 'node:crypto';
import type { mongo } from 'mongoose';
import type { RevocationEvents, TenantEvent } from '../storage-endings.ts';
import type { EventDocument } from './documents.ts';
import { call, writing } from './limits.ts';

type EventCollection = mongo.Collection<EventDocument>;

/** Stamped with the server's time: watchers that poll compare it with that clock alone. */
export const createEvents = (events: EventCollection, tenant: string): RevocationEvents => ({
  publish: (event) =>
    call(async () => {
      await events.updateOne(
        { _id: `${tenant}|${randomUUID()}`, tenant },
        { $setOnInsert: event, $currentDate: { publishedAt: true } },
        { ...writing, upsert: true },
      );
    }),
});

export const toEvent = ({ _id, publishedAt, ...event }: EventDocument): TenantEvent => event;

interface Started {
  readonly commandName: string;
  readonly command: mongo.Document;
}

/** Only watchers read this collection; no request waits for them. */
export const isOfWatcher = ({ commandName, command }: Started): boolean =>
  commandName !== 'update' && (command[commandName] === 'events' || command.collection === 'events');
