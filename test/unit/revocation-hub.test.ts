import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  openRevocationHub,
  type RevocationHub,
  type TenantRevocation,
} from '../../src/accounts/revocation-hub.ts';
import type { EventWatcher } from '../../src/storage/storage-endings.ts';
import { openPeople, type People } from '../support/people.ts';

describe('the revocation hub', () => {
  let people: People;
  let hub: RevocationHub;
  let store: EventWatcher;

  beforeEach(async () => {
    people = await openPeople();
    const watchEvents = async (watcher: EventWatcher) => {
      store = watcher;
      return people.storage.watchEvents(watcher);
    };
    hub = await openRevocationHub({ storage: { watchEvents }, log: people.log });
  });
  afterEach(async () => {
    await hub.close();
    await people.close();
  });

  const ended: TenantRevocation = { tenant: 'acme', what: 'account', id: 'alice', reason: 'test', at: 1 };

  const listen = (): { readonly heard: unknown[]; readonly end: () => void } => {
    const heard: unknown[] = [];
    const end = hub.subscribe({
      event: (event) => void heard.push(event),
      lost: () => void heard.push('lost'),
    });
    return { heard, end };
  };

  it('calls all listeners, even if an earlier one throws', () => {
    const fail = () => {
      throw new Error('a listener that fails');
    };
    const first = listen();
    hub.subscribe({ event: fail, lost: fail });
    const last = listen();
    store.event(ended);
    store.lost();

    expect(first.heard).toEqual([ended, 'lost']);
    expect(last.heard).toEqual([ended, 'lost']);
    expect(people.lines.filter((line) => line.includes('a listener that fails'))).toHaveLength(2);
  });

  it('does not call a listener that has ended its subscription', () => {
    const { heard, end } = listen();
    end();
    store.event(ended);

    expect(heard).toEqual([]);
  });
});
