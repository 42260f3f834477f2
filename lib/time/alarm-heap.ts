/**
 * Deadlines in order: a binary heap whose entries know their place, so that a cancelled alarm leaves at once. Thousands
 * of connection timeouts a second are armed and cancelled; only those in flight are ever held.
 */
export interface HeapAlarm {
  readonly deadline: number;
  readonly ring: () => void;
  /** Place in the heap; -1 when not in it. Only the heap writes it. */
  index: number;
}

export class AlarmHeap {
  readonly #alarms: HeapAlarm[] = [];

  get size(): number {
    return this.#alarms.length;
  }

  /** The nearest deadline; Infinity when there is none. */
  get nearest(): number {
    return this.#alarms[0]?.deadline ?? Number.POSITIVE_INFINITY;
  }

  add(deadline: number, ring: () => void): HeapAlarm {
    const alarm: HeapAlarm = { deadline, ring, index: this.#alarms.length };
    this.#alarms.push(alarm);
    this.#moveUp(alarm);
    return alarm;
  }

  /** Does nothing when the alarm has left already. */
  remove(alarm: HeapAlarm): void {
    const { index } = alarm;
    if (index < 0) return;
    alarm.index = -1;
    const last = this.#alarms.pop()!;
    if (last === alarm) return;
    last.index = index;
    this.#alarms[index] = last;
    this.#moveUp(last);
    this.#moveDown(last);
  }

  /** Takes out the nearest alarm when its deadline is at or before `now`. */
  takeDue(now: number): HeapAlarm | undefined {
    const first = this.#alarms[0];
    if (first === undefined || first.deadline > now) return undefined;
    this.remove(first);
    return first;
  }

  #moveUp(alarm: HeapAlarm): void {
    const alarms = this.#alarms;
    let { index } = alarm;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = alarms[parentIndex]!;
      if (parent.deadline <= alarm.deadline) break;
      alarms[index] = parent;
      parent.index = index;
      index = parentIndex;
    }
    alarms[index] = alarm;
    alarm.index = index;
  }

  #moveDown(alarm: HeapAlarm): void {
    const alarms = this.#alarms;
    let { index } = alarm;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= alarms.length) break;
      const right = alarms[childIndex + 1];
      if (right !== undefined && right.deadline < alarms[childIndex]!.deadline) childIndex++;
      const child = alarms[childIndex]!;
      if (alarm.deadline <= child.deadline) break;
      alarms[index] = child;
      child.index = index;
      index = childIndex;
    }
    alarms[index] = alarm;
    alarm.index = index;
  }
}
