-- Cells of fewer than five applications are folded into (other), together with the next smallest ones, until (other) holds at
-- least five applications in at least two cells. So neither it nor the total tells a hidden cell. The view is a barrier:
-- otherwise a condition such as `answer::integer > 0` would be tried on the hidden cells, and its error would tell them.
CREATE VIEW report.answer_distribution WITH (security_barrier) AS
WITH cell AS (
    SELECT
        k.client_id,
        k.month,
        q.question,
        k.question_id,
        o.option,
        k.applications AS n,
        count(*) FILTER (WHERE k.applications < 5) OVER all_of_it AS small,
        row_number() OVER by_size AS place,
        coalesce(sum(k.applications) OVER (by_size ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
    FROM report_data.option_count k
    JOIN report_data.question q ON q.question_id = k.question_id AND q.is_closed
    JOIN report_data.option o ON o.option_id = k.option_id
    WHERE k.option_id <> 0 AND k.applications > 0
    WINDOW
        all_of_it AS (PARTITION BY k.client_id, k.month, k.question_id),
        by_size AS (PARTITION BY k.client_id, k.month, k.question_id ORDER BY k.applications, o.option COLLATE "C")
), folded AS (
    SELECT
        client_id,
        month,
        question,
        question_id,
        CASE WHEN small > 0 AND (n < 5 OR place <= 2 OR before < 5) THEN '(other)' ELSE option END AS answer,
        sum(n) AS applications
    FROM cell
    GROUP BY 1, 2, 3, 4, 5
)
SELECT
    f.client_id,
    f.month,
    f.question,
    f.answer,
    f.applications,
    a.applications::bigint AS answered
FROM folded f
JOIN report_data.option_count a
    ON a.client_id = f.client_id AND a.month = f.month AND a.question_id = f.question_id AND a.option_id = 0
WHERE f.applications >= 5 AND a.applications >= 5;

COMMENT ON VIEW report.answer_distribution IS 'Answers to closed questions by month. Each value of a list counts by itself. Answers that fewer than five applicants gave are in (other). Questions with free answers are never here.';
COMMENT ON COLUMN report.answer_distribution.client_id IS 'The tenant, as PitchYou names it.';
COMMENT ON COLUMN report.answer_distribution.month IS 'The first day of the month, in the tenant''s time zone.';
COMMENT ON COLUMN report.answer_distribution.question IS 'The question.';
COMMENT ON COLUMN report.answer_distribution.answer IS 'The answer, or (other).';
COMMENT ON COLUMN report.answer_distribution.applications IS 'Applications with this answer.';
COMMENT ON COLUMN report.answer_distribution.answered IS 'Applications of this month that answered the question: the base of shares.';
