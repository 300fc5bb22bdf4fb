import { isIPv4, isIPv6 } from 'node:net';
import { type AuditEntry, fieldsOf } from './audit-fields.ts';

const inHead = (text: string): string => text.replace(/[\\|]/g, '\\$&');
const inExtension = (text: string): string => text.replace(/[\\=]/g, '\\$&');

const severities = { success: '3', failure: '6' } as const;

/** Common Event Format, version 0. @param version of Drawbridge */
export const toCefLine = (entry: AuditEntry, version: string): string => {
  const { address = '', ...fields } = fieldsOf(entry);
  const action = fields.action ?? '';
  const severity = entry.record.outcome === 'failure' ? severities.failure : severities.success;
  const head = ['CEF:0', 'Drawbridge', 'Drawbridge', version, action, action, severity];
  const extension: Readonly<Record<string, string | undefined>> = {
    // somebody may have put a text into the store
    rt: Number.isFinite(entry.record.at) ? `${entry.record.at}` : undefined,
    externalId: fields.id,
    outcome: fields.outcome,
    suser: fields.actor,
    spriv: fields.actorKind,
    duser: fields.object,
    requestClientApplication: fields.userAgent,
    src: isIPv4(address) ? address : undefined,
    ...(isIPv6(address) ? { c6a2: address, c6a2Label: 'Source IPv6 Address' } : {}),
    reason: fields.reason,
    ...labelled('cs1', 'tenant', fields.tenant),
    ...labelled('cs2', 'clientId', fields.clientId),
    ...labelled('cs3', 'requestId', fields.requestId),
    ...labelled('cs4', 'session', fields.session),
    ...labelled('cs5', 'errorId', fields.errorId),
    ...labelled('cs6', 'channel', fields.channel),
    ...labelled('cn1', 'seq', fields.seq),
  };
  const members = Object.entries(extension).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${inExtension(value)}`],
  );
  return `${head.map(inHead).join('|')}|${members.join(' ')}`;
};

const labelled = (name: string, label: string, value: string | undefined) =>
  value === undefined ? {} : { [name]: value, [`${name}Label`]: label };
