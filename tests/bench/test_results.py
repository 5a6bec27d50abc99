"""What the bench prints of its samples."""

from bench.cases import MANY_STREAMS, cases
from bench.contenders import GATEWAY, GENERIC, NGINX, Contender
from bench.measure import Sample
from bench.results import Results, summary, table


def sample(cpu_us: float) -> Sample:
    return Sample(1_000, 500.0, 0, cpu_us, 1.5, 2.5, 40 << 20, 10)


def results() -> Results:
    contenders = [Contender(name, 1, None) for name in (NGINX, GATEWAY, GENERIC)]
    found = Results(cases(quick=False, named="agent_chat_responses"), contenders)
    for costs in ((10.0, 60.0, 120.0), (20.0, 140.0, 200.0), (30.0, 240.0, 360.0)):
        for contender, cost in zip(contenders, costs, strict=True):
            found.add(found.cases[0], contender.name, sample(cost))
    return found


def test_the_first_table_is_that_of_the_document() -> None:
    head, _, row = table(results()).splitlines()[2:5]
    named = "gateway | of nginx | generic path | of nginx | nginx | Portkey | LiteLLM | p50 | p99"
    assert head == f"|  | {named} |"
    title = "chat→responses, agent's turn of 110 KB, 32 c."
    assert row == f"| {title} | 140 | 7 | 200 | 12 | 20 | - | - | 1.5 | 2.5 |"


def test_streams_have_a_table_only_where_they_were_measured() -> None:
    found = results()
    assert MANY_STREAMS.title not in table(found)
    found.many_streams[GATEWAY] = sample(1.0)
    assert MANY_STREAMS.title in table(found)


def test_a_ratio_is_that_of_one_round_to_nginx() -> None:
    assert summary(results())["rounds"] == 0
    assert results().ratios(results().cases[0], GATEWAY) == [6.0, 7.0, 8.0]
