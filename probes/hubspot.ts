/** HubSpot: what people and other apps keep in the objects that we write to. */
import type { Config } from '../src/config.ts';
import type { ObjectType } from '../src/pipe.ts';
import { hubspotInquiry } from '../src/sinks/hubspot/inquiry.ts';
import { openTransport } from '../src/systems.ts';
import type { Subject } from './subject.ts';

export function hubspotSubject(object: ObjectType, config: Config<'hubspot'>): Subject {
  const { portalId } = config.hubspot;
  return {
    system: 'hubspot',
    resource: object,
    instance: `hubspot:${portalId}`,
    about: `portal ${portalId}`,
    inquiry: hubspotInquiry(openTransport(config.hubspot), object),
    partitions: async () => [],
    isAboutPeople: object !== 'products',
    where: 'the portal (Settings, Properties)',
    hasProfile: false,
    fed: null,
  };
}
