"""Pairs of answers with the verdict that a person gives, by kind; every one is also what the code must say."""

import pytest

from core.tasks.answers.compare import compare_many
from core.tasks.answers.pool import close_shared_pool

NUMBERS = r"""
18 == $18
1000 == 1,000
1,234,567.5 == 1234567.50
-5 == −5
5 != -5
0.5 == 1/2
0.5 == .50
3/4 == 6/8
\frac{3}{4} == 0.75
1 1/2 == 1.5
1\frac12 == \frac{3}{2}
1/3 != 0.333333
1/3 != 0.33
1.5e3 == 1500
1500 == 1.5e3
4.5\times 10^{33} == 4.5e33
1e-8 == 10^{-8}
10^{-8} == 0.00000001
3e8 == 3 \times 10^8
3e8 == 3*10^8
3e8 == 3 x 10^8
50% == 0.5
50% == 50
50 == 50%
0.5 != 0.5%
0.005 == 0.5%
50\% == 50 percent
50% != 5
10 cm == 10
10 == 10 cm
5 km != 5 miles
5 km == 5000 m
2 hours == 120 minutes
5 cm != 5 cm^2
12 square feet == 12 ft^2
$18 == 18 dollars
0.50 dollars == 50 cents
€5 == 5
€5 == $5
5 apples != 5 oranges
5 apples == 5 apple
15\text{ cm}^2 == 15
15\text{ cm}^2 == 15 cm²
5.4 \text{ cents} == 5.4
120^\circ == 120
120^\circ == 120 degrees
30^\circ == \frac{\pi}{6}
\frac{\pi}{6} == 30^\circ
30^\circ != \frac{\pi}{3}
0.\overline{3} == 1/3
007 == 7
7. == 7
1,000 != 1000.001
12 == twelve
100000000000000000000 != 100000000000000000001
0.1 != 0.10000000001
2.0 == 2
-0 == 0
1 000 000 == 1000000
11,\! 111,\! 111,\! 100 == 11111111100
+3 == 3
\$32,\!348 == 32348
3. == 3
**42** == 42
$42$ == 42
\(42\) == 42
\boxed{42} == 42
42 == $\boxed{42}$.
-1./3 == -1/3
10^{3} == 1000
$1,234.50 == 1234.5
2,5 ?? 2.5
2.5 ?? 2,5
1.2 ?? 1,2
1000.99 ?? 1000,99
2,05 == 2.05
1,000 != 1.000
2.5 != 2,6
28\% == 28 pct
28\% == 28 percentage
3.0 \times 10^{8} == 300000000
6.02e23 == 6.02 \times 10^{23}
6.02e23 != 6.03e23
1/2 == 2/4
1/2 != -1/2
- 5 == -5
5 != 5.0000000001
0 == 0.0
\frac{12}{5,\!525} == 12/5525
\frac{-1}{2} == -\frac12
\frac{1}{-2} == -0.5
2^{3} == 8
1e400 != 1e401
33\frac{1}{3}\% == 1/3
25 == 25\%
25 != 0.25
$1,000,000 == 1 million
2.5 \text{ million} == 2500000
1 million dollars == $1000000
3 thousand != 3 million
5 ?? 5 million
5 million ?? 5
five hundred == 500
25 == twenty-five
one hundred and five == 105
two thousand three hundred == 2300
fifteen hundred == 1500
twelve million == 12000000
five and six != 11
five and six == 5, 6
twenty fifteen != 35
1 hour 30 minutes == 90 minutes
1.5 hours == 1 hour and 30 minutes
2 feet 3 inches == 27 inches
2\text{ feet }3\text{ inches} == 27 \text{ in}
5 feet 6 inches != 5 feet 7 inches
5 feet 6 inches != 66 minutes
5 feet 6 inches != 67
1 hour 30 minutes ?? 90
2 feet 3 inches != 2 feet
3 hours, 20 minutes != 200 minutes
20 minutes 3 hours != 200 minutes
"""

LATEX = r"""
\frac{1}{\sqrt{2}} == \frac{\sqrt{2}}{2}
2\sqrt2 == \sqrt{8}
2\sqrt2 == 2*sqrt(2)
\sqrt{2} != 1.41421356
\pi != 3.14159
\pi != 3.14
x^2+2x+1 == (x+1)^2
x+1 != x+2
x+1 != y+1
\dfrac{x}{2} == x/2
6+9i == 9i+6
6+9i != 6-9i
\binom{10}{5} == 252
3! == 6
2^{10} == 1024
e^{\ln 2} == 2
\log_2 8 == 3
\sin^2 x+\cos^2 x == 1
\frac{11+9a}{20} == \frac{9a+11}{20}
2k+2 == 2(k+1)
5r^5 == 5r^{5}
np.arcsin(10/13) == \arcsin{\frac{10}{13}}
sqrt(3)/2 == \frac{\sqrt3}{2}
8*pi == 8\pi
8π == 8 \pi
x²+1 == x^2+1
½ == 1/2
2½ == 5/2
\frac{100!}{2^{50}} == 100!/2^{50}
\lfloor x\rfloor != x
|x| != x
\sqrt{x^2} != x
\sqrt{x^2} == |x|
\cos 2x == 1-2\sin^2 x
\sum_{k=1}^{3} k == 6
\int_0^1 x\,dx == \frac12
x^{\frac12} == \sqrt{x}
\frac{1}{2}x == x/2
0.5x == \frac{x}{2}
\frac{x+2}{7} == \frac{x}{7}+\frac{2}{7}
\tan^{-1} x == \arctan x
\frac{1}{x} == x^{-1}
I(0) != 0
\frac{2}{3} \approx 0.67 == 2/3
\sqrt[3]{8} == 2
\sqrt{12}+\sqrt{27} == 5\sqrt{3}
\lceil n/2\rceil == \lfloor (n+1)/2\rfloor
\lceil n/2\rceil != \lfloor n/2\rfloor
x_1+x_2 == x_2+x_1
x_1+x_2 != x_1+x_3
\overline{CD} == CD
2xyz == 2zyx
\sin x != \cos x
(-1)^n == \cos(n\pi)
e^{i\pi} == -1
\sec^2 x == 1+\tan^2 x
a^2-b^2 == (a-b)(a+b)
\frac{a}{b} != \frac{b}{a}
n(n+1)/2 == \frac{n^2+n}{2}
n(n+1)/2 != \frac{n^2-n}{2}
-\frac{x}{y} == \frac{-x}{y}
\frac{37}{4} m == 9.25m
\ln 8 == 3\ln 2
10^{100} != 10^{101}
\tan^{-1} 1 == \frac{\pi}{4}
\cos^{-1}(0) == \pi/2
\sqrt{-4} == 2i
\frac{d!}{(d-k)!} == d!/(d-k)!
"""

LISTS = r"""
1,-2 == -2,1
1,-2 == 1, -2
1,-2 == 1 and -2
1,-2 == x=1 or x=-2
1,-2 == x = 1, -2
1,-2 != 1
1 != 1,-2
1,2 != 1,2,3
3, 5, 7 == 7,5,3
1,2,3 == \{1,2,3\}
\{1,2,3\} == \{3,2,1\}
\{1,1,2\} == \{1,2\}
1,1,2 != 1,2
(1,2) != (2,1)
(1,2) == 1,2
(1,2) != 2,1
\{1,2\} != (1,2)
(1,2) != [1,2]
[1,2) != [1,2]
1 \pm \sqrt{19} == 1-\sqrt{19}, 1+\sqrt{19}
\pm 2 == 2,-2
\pm 2 != 2
x=\pm 2 == -2, 2
±2 == 2 and -2
(1,2),(3,4) == (3,4),(1,2)
(1,2),(3,4) != (2,1),(3,4)
\left( 3, \frac{\pi}{2} \right) == (3, \pi/2)
(3, 4, 5) == (3,4,5)
(0.5, 1) == (\frac12, 1)
x=1,y=2 == (1,2)
x=1, y=2 == y=2, x=1
(x,y)=(1,2) == (1,2)
1,000, 2,000 == 2000 and 1000
\{1\pm\sqrt{5},-2\} == \{-2,1+\sqrt5,1-\sqrt5\}
1; 2 == 2, 1
1 \text{ and } 2 == 1,2
-2,-2 != -2
A, D == \text{A,D}
A, D == D, A
A, D != A, C
(1,7,103, 105) == (1,7,103,105)
(10^{4}, 10^{3}) == (10000, 1000)
\{x | x > 2\} == (2,\infty)
x=2, y=3 != x=3, y=2
6, 8\text{, and }10 == 10, 8, 6
8$,$4 == 4, 8
-1$,$2$,$-2 == -2,-1,2
\frac{1}{2}, 3 == 0.5, 3
1,2,3,4 != 1,2,3
"""

INTERVALS = r"""
(2,\infty) == x>2
(2,\infty) != x \ge 2
[2,\infty) == x\geq 2
[-2,7] == x \in [-2,7]
[-2,7] == -2 \le x \le 7
[-2,7] != -2<x<7
(-\infty,2)\cup(3,\infty) == (3,\infty)\cup(-\infty,2)
(-\infty,2)\cup(3,\infty) == x<2 or x>3
(-\infty,2)\cup(3,\infty) == (-∞, 2) U (3, ∞)
(3,4] != [3,4]
(3,4] == (3, 4]
\mathbb{R} == (-\infty,\infty)
all real numbers == \mathbb{R}
\emptyset == no solution
\mathbb{R}\setminus\{1\} == (-\infty,1)\cup(1,\infty)
x\ne 1 == (-\infty,1)\cup(1,\infty)
(0,9) \cup (9,36) != (0,36)
\left(\frac{3}{5},\frac{8}{3}\right] == (0.6, 8/3]
0<x<1 == (0,1)
(0,1) == 0<x<1
1>x>0 == (0,1)
"""

MATRICES = r"""
\begin{pmatrix} 1 \\ 2 \end{pmatrix} == \begin{bmatrix}1\\2\end{bmatrix}
\begin{pmatrix} 1 \\ 2 \end{pmatrix} != \begin{pmatrix}2\\1\end{pmatrix}
\begin{pmatrix} 1 \\ 2 \end{pmatrix} == (1,2)
\begin{pmatrix} -1 & 0 \\ 0 & -1 \end{pmatrix} == \begin{pmatrix}-1&0\\0&-1\end{pmatrix}
\begin{pmatrix} 1/5 \\ -18/5 \end{pmatrix} == \begin{pmatrix} 0.2 \\ -3.6 \end{pmatrix}
\begin{pmatrix} 1&2 \\ 3&4 \end{pmatrix} != \begin{pmatrix}1&3\\2&4\end{pmatrix}
\begin{pmatrix} 1&2 \\ 3&4 \end{pmatrix} == [[1,2],[3,4]]
"""

EQUATIONS = r"""
x=5 == 5
5 == x=5
x=5 != x=6
x=5 != y=5
y=2x+3 == 2x-y+3=0
y=2x+3 == y=3+2x
y=2x+3 == 2x+3
5x - 7y + 11z + 4 = 0 == 10x-14y+22z+8=0
5x - 7y + 11z + 4 = 0 == -5x+7y-11z=4
5x - 7y + 11z + 4 = 0 != x+y-z+2=0
f(x)=2x == 2x
f(x)=2x == f(x)=x+x
3+4=7 == 7
x^2+y^2=1 == y^2=1-x^2
x^2+y^2=1 != x^2+y^2=2
xy=1 == y=1/x
A=5 == Area = 5
y = 3 == 3 = y
3 = y == 3
3 = y != 4 = y
3 = y != y
3 = y != 3 = z
2\pi/2 = \pi == \pi
\frac{x}{2}+\frac{y}{3}=1 == 3x+2y=6
"""

WORDS = r"""
\text{Monday} == monday
\text{Evelyn} == Evelyn
Evelyn != Navin
even != neve
even == \text{even}
\text{(C)} == C
\text{(C)} != (D)
C == (C)
C == C.
C == C) 42
(C) 42 == 42
(C) == \textbf{(C)}\ 42
A == Option A
True == true
True == yes
True != False
True == A
True != B
A == True
B == False
A) True == True
True == A) True
no solution == None
undefined == DNE
east != West
\infty == infinity
-\infty != \infty
ellipse == an ellipse
x == x
p - q != q-p
2516_8 == 2516_{8}
2516_8 == 2516
2516_8 != 2516_9
3:4 == 3/4
3:4 == 6:8
3:4 != 4:3
3:30 == 3:30
24 == (1+2+3)*4
24 != (1+2+3)*5
(6 - 4) * (4 + 8) == (8+4)*(6-4) = 24
(6 - 4) * (4 + 8) ?? 24
4*6*1*1 ?? 24
(6 - 4) * (4 + 8) != 6*4*1*1
SRAC=LRAC == SRAC = LRAC
Paris != London
\text{4:30 p.m.} == 4:30 PM
4:30 pm != 4:30 am
8:15 != 8:51
\text{June 20} == june 20
Softball, Kickball == \text{Kickball, Softball}
-221_3 == -221_{3}
\text{A5}_{11} == A5_{11}
yes != no
unknown == Unknown
blue != red
\text{13} == 13
24 == \frac{8}{3-\frac{8}{3}}
24 != 4+5
8 / (3 - 8 / 3) == 8/(3-(8/3))
8 / (3 - 8 / 3) != 3*8*1*1
"""

KINDS = {"numbers": NUMBERS, "latex": LATEX, "lists": LISTS, "intervals": INTERVALS, "matrices": MATRICES}
KINDS |= {"equations": EQUATIONS, "words": WORDS}


SIGNS = {" == ": True, " != ": False, " ?? ": None}


def read_cases():
    """Return (kind, reference, answer, whether they are equal) of every line; ?? stands for undecided."""
    cases = []
    for kind, text in KINDS.items():
        for line in text.strip().split("\n"):
            sign = next(each for each in SIGNS if each in line)
            gold, pred = line.split(sign)
            cases.append((kind, gold, pred, SIGNS[sign]))
    return cases


CASES = read_cases()


@pytest.fixture(scope="module")
def judged():
    """All pairs at once, in both worker processes; the reference stands on the left."""
    yield dict(zip(CASES, compare_many([case[1:3] for case in CASES]), strict=True))
    close_shared_pool()


@pytest.mark.parametrize("kind", KINDS)
def test_verdicts(judged, kind):
    wrong = [
        f"{case[1]} | {case[2]}: {found}"
        for case, found in judged.items()
        if case[0] == kind and found.is_equal is not case[3]
    ]
    assert wrong == []


def test_every_verdict_has_one_sentence(judged):
    assert all(found.reason.endswith(".") and "\n" not in found.reason for found in judged.values())


def test_there_are_cases_of_both_verdicts_in_every_kind():
    for kind in KINDS:
        verdicts = [case[3] for case in CASES if case[0] == kind]
        assert verdicts.count(True) >= 4 and verdicts.count(False) >= 2
