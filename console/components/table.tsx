import type { ComponentChildren } from 'preact';

export type Column = {
  title: string /** For columns of numbers. */;
  align?: 'end' /** Hides the title, not from screen readers. */;
  hidden?: boolean;
};

/**
 * A table; rows are `<tr>` with `<td data-title="…">`, whose titles are shown on phones, where each row becomes a card.
 * @param caption for screen readers
 */
export const Table = ({
  caption,
  columns,
  children,
}: {
  caption: string;
  columns: Column[];
  children: ComponentChildren;
}) => (
  <div class="table-frame">
    <table class="table">
      <caption class="spoken">{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ title, align, hidden }) => (
            <th key={title} scope="col" class={align}>
              {hidden ? <span class="spoken">{title}</span> : title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
);
