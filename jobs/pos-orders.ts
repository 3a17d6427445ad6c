import posOrders from '../mappers/pos-orders.ts';
import type { Job } from '../src/pipe.ts';
import type { SquareOrder } from '../src/sources/square/model.ts';
import type { Systems } from '../src/systems.ts';

export default {
  pipe: 'pos-orders',
  system: 'square',
  from: ({ square }) => square(),
  mapping: posOrders,
  after: ['customers'],
  daily: '06:00',
  // A sale and its returns make one deal, and a return may be seen before its sale.
  assembles: 'many-records',
  needsOwnRecord: true,
} satisfies Job<Systems, SquareOrder>;
